/* The programs that master executes, out of one folder that was opened at
 * start, and nothing else ever. What follows the fork here runs as master does,
 * until the exec. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "master.h"
#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"

#define CHANNEL_FD     3
#define OVER_CHILD_FDS 10

int child_programs(void)
{
    char folder[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
    FD_CLEANUP int fd = -1;
    int high;

    if (n < 0)
        return -errno;
    folder[n] = '\0';
    *strrchr(folder, '/') = '\0';
    fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    high = fcntl(fd, F_DUPFD_CLOEXEC, OVER_CHILD_FDS);
    return high < 0 ? -errno : high;
}

/* With the program's path: "Permission denied" may be a mode or a mount. */
static noreturn void die_of_exec(const struct master *m, const char *binary,
                                 int error)
{
    char link[64], folder[PATH_MAX];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", m->programs);
    n = readlink(link, folder, sizeof(folder) - 1);
    folder[n < 0 ? 0 : n] = '\0';
    die(EX_OSERR, "%s/%s: can't be executed: %s", folder, binary,
        strerror(error));
}

/* Only standard descriptors and the channel reach the program: whatever master
 * has open besides closes with the exec. */
static void become(const struct master *m, const char *binary, int fd)
{
    char title[64];
    char *argv[] = { title, NULL };
    sigset_t none;

    snprintf(title, sizeof(title), "sallyport: %s", binary);
    if (fd == CHANNEL_FD ? fd_set_cloexec(fd, false) < 0
                         : dup2(fd, CHANNEL_FD) < 0)
        die(EX_OSERR, "%s: %s", binary, strerror(errno));
    if (close_range(CHANNEL_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        die(EX_OSERR, "%s: close_range: %s", binary, strerror(errno));
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execveat(m->programs, binary, argv, environ, 0);
    die_of_exec(m, binary, errno);
}

pid_t child_spawn(const struct master *m, const char *binary, int fd)
{
    pid_t pid = fork();

    if (pid == 0)
        become(m, binary, fd);
    return pid < 0 ? -errno : pid;
}
