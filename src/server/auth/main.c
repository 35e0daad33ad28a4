/* The process auth: answers "is this the password of that name?" from the table
 * of users that master gave it. It opens nothing and connects to nobody. Only
 * the log gets the reason of a failed login. */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "auth.h"

#ifndef __SANITIZE_ADDRESS__ /* AddressSanitizer has its own mmap() */
#define HUGE_FROM (4u << 20)

/* Replaces libcrypt's mmap(): a yescrypt hash writes to 16 MiB and more. If the
 * kernel gives huge pages only on request ("madvise" in
 * /sys/kernel/mm/transparent_hugepage/enabled), madvise() makes a hash twice as
 * fast: 536 page faults instead of 4,112. */
void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
    void *p = (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, offset);

    if (p != MAP_FAILED && (flags & MAP_ANONYMOUS) && len >= HUGE_FROM)
        madvise(p, len, MADV_HUGEPAGE);
    return p;
}
#endif

int main(int argc, char **argv)
{
    static struct auth auth;

    return frame_main(&auth_row, &auth.frame, argc, argv);
}
