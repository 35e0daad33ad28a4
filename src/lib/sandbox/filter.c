/* Loads seccomp filters, and closes the standard descriptors. A filter is
 * loaded by one system call, so that a fork can load it. */
#include "steps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

int filter_load(const struct sandbox_filter *filter)
{
    /* The kernel only reads this memory. */
    struct sock_fprog program = { filter->len,
                                  (void *)(uintptr_t)filter->code };

    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
        return -errno;
    return 0;
}

int filter_end_descriptors(void)
{
    FD_CLEANUP int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0)
        return -errno;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (dup2(null, fd) < 0)
            return -errno;
    if (null <=
        STDERR_FILENO) /* null has the number of a standard descriptor */
        null = -1;
    return 0;
}
