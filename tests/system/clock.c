#include "clock.h"

#include "support/test.h"

volatile time_t *clock_take(char *name, size_t size)
{
    void *p;
    int fd;

    snprintf(name, size, "/tmp/sallyport-clock-XXXXXX");
    fd = mkstemp(name);
    cr_assert(fd >= 0 && ftruncate(fd, sizeof(time_t)) == 0);
    cr_assert_eq(fchmod(fd, 0644), 0);
    p = mmap(NULL, sizeof(time_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    cr_assert(p != MAP_FAILED);
    close(fd);
    return p;
}
