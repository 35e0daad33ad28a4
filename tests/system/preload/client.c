/* Makes a client under test fail in ways that need a broken disk, much time, or
 * another libcurl. LD_PRELOAD loads this library, which is never a part of the
 * client. The test maps the file that SALLYPORT_TEST_CLIENT names, and writes
 * numbers into it. If [0] isn't 0, read() of regular files fails. If [1] isn't
 * 0, each reading of a clock other than CLOCK_REALTIME moves these clocks a day
 * ahead. [2] is the number of the call of curl_easy_setopt() that fails, and
 * [3] counts these calls. If [4] isn't 0, directories can't be read. When the
 * upload with the number SALLYPORT_TEST_DROP begins, all connections end; by
 * then the client has seen that they live. When an upload begins, the file
 * SALLYPORT_TEST_GROWS gets a byte; and pread() is slow. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile int *wanted;
static _Atomic time_t ahead;

__attribute__((constructor)) static void map_it(void)
{
    const char *name = getenv("SALLYPORT_TEST_CLIENT");
    int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
    void *p;

    if (fd < 0)
        return;
    p = mmap(NULL, 5 * sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
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

ssize_t pread(int fd, void *bytes, size_t len, off_t at)
{
    if (getenv("SALLYPORT_TEST_GROWS"))
        sleep(1);
    return syscall(SYS_pread64, fd, bytes, len, at);
}

static void grow(const char *file)
{
    int fd = open(file, O_WRONLY | O_APPEND | O_CLOEXEC);

    if (fd >= 0 && write(fd, "+", 1) == 1)
        close(fd);
}

struct dirent *readdir(DIR *d)
{
    static struct dirent *(*real)(DIR *d);

    if (!real)
        real = (struct dirent * (*)(DIR *)) dlsym(RTLD_NEXT, "readdir");
    if (wanted && wanted[4])
        errno = EIO;
    return wanted && wanted[4] ? NULL : real(d);
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

static void drop(void)
{
    static int uploads;
    const char *which = getenv("SALLYPORT_TEST_DROP");
    const char *grows = getenv("SALLYPORT_TEST_GROWS");

    if (grows)
        grow(grows);
    if (which && ++uploads == atoi(which))
        for (int fd = 3; fd < 64; fd++)
            shutdown(fd, SHUT_RDWR);
}

/* Passes the third argument on as a pointer: it is as wide as one for each
 * option. */
int curl_easy_setopt(void *handle, int option, ...);
int curl_easy_setopt(void *handle, int option, ...)
{
    static int (*real)(void *handle, int option, ...);
    va_list args;

    if (!real)
        real = (int (*)(void *, int, ...))dlsym(RTLD_NEXT, "curl_easy_setopt");
    va_start(args, option);
    void *value = va_arg(args, void *);
    va_end(args);
    if (option == 46 && value) /* CURLOPT_UPLOAD */
        drop();
    if (wanted && ++wanted[3] == wanted[2])
        return 27; /* CURLE_OUT_OF_MEMORY */
    return real(handle, option, value);
}
