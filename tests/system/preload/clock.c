/* Moves the wall clock of a server under test. LD_PRELOAD loads this library,
 * which is never a part of the server. The seconds to add are in the file that
 * SALLYPORT_TEST_CLOCK names, which the test maps as well, or in
 * SALLYPORT_TEST_AHEAD. The library opens the file when a program begins,
 * before the program enters a sandbox. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile time_t *ahead;

__attribute__((constructor)) static void map_it(void)
{
    const char *name = getenv("SALLYPORT_TEST_CLOCK");
    const char *seconds = getenv("SALLYPORT_TEST_AHEAD");
    static time_t fixed;
    int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    void *p;

    if (seconds) {
        fixed = (time_t)strtoll(seconds, NULL, 10);
        ahead = &fixed;
    }
    if (fd < 0)
        return;
    p = mmap(NULL, sizeof(*ahead), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (p != MAP_FAILED)
        ahead = p;
}

/* OpenSSL calls time() for the age of a ticket; from version 3.2 on it calls
 * gettimeofday(). */
int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    ret->tv_sec = now.tv_sec + (ahead ? *ahead : 0);
    ret->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *ret)
{
    struct timeval now;

    gettimeofday(&now, NULL);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}
