/* Replaces filter.c in builds with sanitizers or coverage counters. The
 * runtimes of such builds need calls that no policy permits, and sanitizers
 * report on standard error, which tests read. It never claims that there is a
 * filter: filter_load() returns 1, and the start line says that the sandbox is
 * weaker. */
#include "steps.h"

#include <fcntl.h>
#include <unistd.h>

int filter_load(const struct sandbox_filter *filter)
{
    (void)filter;
    return 1;
}

int filter_end_descriptors(void)
{
    return 0;
}

/* LeakSanitizer calls this at the end of a process, and then traces the
 * process. It can't trace a process in a chroot without /proc, or a process
 * that isn't dumpable and doesn't have root's rights. LeakSanitizer would then
 * abort the process, and a process that has ended well would count as crashed.
 * In the same cases, /proc/self/mem can't be opened. */
int __lsan_is_turned_off(void); /* declared in <sanitizer/lsan_interface.h> */

int __lsan_is_turned_off(void)
{
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

    if (fd >= 0)
        close(fd);
    return fd < 0;
}
