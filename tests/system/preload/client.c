/* Makes a client under test fail in ways that need a broken disk or much time.
 * LD_PRELOAD loads it; it is never a part of the client. The file that
 * SALLYPORT_TEST_CLIENT names has two numbers, which the test maps as well:
 * from then on read() of regular files fails, or each look at the clock takes
 * a day. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int *wanted;
static _Atomic time_t ahead;

__attribute__((constructor)) static void map_it(void)
{
    const char *name = getenv("SALLYPORT_TEST_CLIENT");
    int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    void *p;

    if (fd < 0)
        return;
    p = mmap(NULL, 2 * sizeof(int), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (p != MAP_FAILED)
        wanted = p;
}

ssize_t read(int fd, void *bytes, size_t len)
{
    struct stat st;

    if (wanted && wanted[0] && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_read, fd, bytes, len);
}

int clock_gettime(clockid_t id, struct timespec *ret)
{
    int r = (int)syscall(SYS_clock_gettime, id, ret);

    if (r == 0 && id != CLOCK_REALTIME && wanted && wanted[1])
        ahead += 86400;
    if (r == 0 && id != CLOCK_REALTIME)
        ret->tv_sec += ahead;
    return r;
}
