/* Moves the wall clock of a server under test. LD_PRELOAD loads it; it is never
 * a part of the server. The seconds to add are in the file that
 * SALLYPORT_TEST_CLOCK names, which the test maps as well. It is opened when a
 * program begins, before any sandbox. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const volatile time_t *ahead;

__attribute__((constructor)) static void map_it(void)
{
    const char *name = getenv("SALLYPORT_TEST_CLOCK");
    int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    void *p;

    if (fd < 0)
        return;
    p = mmap(NULL, sizeof(*ahead), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (p != MAP_FAILED)
        ahead = p;
}

/* OpenSSL calls it for the age of a ticket. */
time_t time(time_t *ret)
{
    struct timespec now;
    time_t seconds;

    clock_gettime(CLOCK_REALTIME, &now);
    seconds = now.tv_sec + (ahead ? *ahead : 0);
    if (ret)
        *ret = seconds;
    return seconds;
}
