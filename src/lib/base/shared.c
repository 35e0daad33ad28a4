/* Memory that processes share. */
#include "sallyport/base/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

int shared_make(const char *name, size_t size)
{
    FD_CLEANUP int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0 || ftruncate(fd, (off_t)size) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -errno;
    return fd_take(&fd);
}

/* Refuses a file that somebody could shorten: SIGBUS would end this process
 * when it used the missing part. Memory that nobody can write any more is
 * mapped MAP_PRIVATE, since MAP_SHARED of such memory fails before Linux 6.7
 * (Debian 12: before 6.1.153). Both mappings have the same pages of memory. */
void *shared_map(int fd, size_t size, int protection)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    struct stat s;
    void *p;

    if (fd >= 0) {
        int seals = fcntl(fd, F_GET_SEALS);

        if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &s) < 0 ||
            s.st_size < (off_t)size) {
            errno = EINVAL;
            return NULL;
        }
        flags = seals & F_SEAL_WRITE ? MAP_PRIVATE : MAP_SHARED;
    }
    p = mmap(NULL, size, protection, flags, fd, 0);
    if (p == MAP_FAILED)
        return NULL;
    return madvise(p, size, MADV_DONTFORK) == 0 &&
                   madvise(p, size, MADV_DONTDUMP) == 0
               ? p
               : shared_unmap(p, size);
}

int shared_map_to(void *pointer, int fd, size_t size, int protection)
{
    void *p = shared_map(fd, size, protection);

    memcpy(pointer, &p, sizeof(p));
    return p ? 0 : -errno;
}

void *shared_unmap(const void *p, size_t size)
{
    const int error = errno;

    if (p)
        munmap((void *)(uintptr_t)p, size);
    errno = error;
    return NULL;
}

int shared_map_whole(int fd, struct slice *ret)
{
    struct stat st;

    *ret = (struct slice){ NULL, 0 };
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_size == 0)
        return 0;
    ret->ptr = shared_map(fd, (size_t)st.st_size, PROT_READ);
    if (!ret->ptr)
        return -errno;
    ret->len = (size_t)st.st_size;
    return 0;
}
