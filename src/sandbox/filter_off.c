/* Replaces filter.c in builds with sanitizers or counters of coverage. Their
 * runtimes need calls that no policy permits, and sanitizers report on standard
 * error, which tests read. It never claims that there is a filter: the caller
 * learns it, and the start line says that the sandbox is weaker. */
#include "filter.h"

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

/* LeakSanitizer asks this at the end of a process, then traces it. The kernel
 * permits that neither in a chroot without /proc nor, without root's rights, if
 * the process isn't dumpable; LeakSanitizer would abort it, and a gate that has
 * handed over would count as crashed. The same rules hold for this file. */
int __lsan_is_turned_off(void); /* <sanitizer/lsan_interface.h> has it */

int __lsan_is_turned_off(void)
{
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

    if (fd >= 0)
        close(fd);
    return fd < 0;
}
