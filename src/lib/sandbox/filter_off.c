/* Replaces filter.c in builds with sanitizers or coverage counters. Their
 * runtimes need calls that no policy permits, and sanitizers report on standard
 * error, which tests read. It never claims that there is a filter: its result
 * tells the caller, and the start line says that the sandbox is weaker. */
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
 * process. The kernel forbids that in a chroot without /proc and, without
 * root's rights, if the process isn't dumpable. LeakSanitizer would then abort
 * the process, and a process that has ended well would count as crashed. This
 * file can't be opened under the same conditions. */
int __lsan_is_turned_off(void); /* <sanitizer/lsan_interface.h> has it */

int __lsan_is_turned_off(void)
{
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

    if (fd >= 0)
        close(fd);
    return fd < 0;
}
