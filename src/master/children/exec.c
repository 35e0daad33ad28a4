/* Master executes only the programs that it opened at its start. The code after
 * the fork here has the rights of master until the exec. */
#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/master.h"
#include "programs.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"

#define FIRST_FD 3
#define HIGH_FD  8

/* Names the program's path: "Permission denied" may be due to a mode or a
 * mount. */
static noreturn void die_of_exec(int program, const char *binary, int error)
{
    char link[64], path[PATH_MAX];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", program);
    n = readlink(link, path, sizeof(path) - 1);
    path[n < 0 ? 0 : n] = '\0';
    die(EX_OSERR, "%s: can't be executed: %s", n < 0 ? binary : path,
        strerror(error));
}

noreturn void exec_program(const struct master *m, const char *binary,
                           const char *const *arguments, const int *fd, int n)
{
    int program =
        fcntl(programs_find(m->programs, binary), F_DUPFD_CLOEXEC, HIGH_FD);
    sigset_t none;

    for (int i = 0; i < n; i++)
        if (fd[i] == FIRST_FD + i ? fd_set_cloexec(fd[i], false) < 0
                                  : dup2(fd[i], FIRST_FD + i) < 0)
            die(EX_OSERR, "%s: %s", binary, strerror(errno));
    if (close_range((unsigned)(FIRST_FD + n), ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        die(EX_OSERR, "%s: close_range: %s", binary, strerror(errno));
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execveat(program, "", (char **)(uintptr_t)arguments, environ,
             AT_EMPTY_PATH);
    die_of_exec(program, binary, errno);
}

pid_t exec_child(const struct master *m, const char *binary, int fd)
{
    char title[64];
    const char *const argv[] = { title, NULL };
    pid_t pid = fork();

    if (pid == 0) {
        snprintf(title, sizeof(title), "sallyport: %s", binary);
        exec_program(m, binary, argv, &fd, 1);
    }
    return pid < 0 ? -errno : pid;
}

/* They are copied to high numbers first: one may have another's place. The
 * kernel kills it when master ends: it may have no sandbox. */
static noreturn void become_helper(const struct master *m,
                                   const struct helper *h, pid_t parent)
{
    const int fd[] = { fcntl(h->fd[0], F_DUPFD_CLOEXEC, HIGH_FD),
                       fcntl(h->fd[1], F_DUPFD_CLOEXEC, HIGH_FD),
                       fcntl(h->lock, F_DUPFD_CLOEXEC, HIGH_FD) };

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(EX_OSERR);
    exec_program(m, h->name, h->argv, fd, h->lock > 0 ? 3 : 2);
}

pid_t exec_start_helper(const struct master *m, const struct helper *h)
{
    pid_t self = getpid(), pid = fork();

    if (pid == 0)
        become_helper(m, h, self);
    return pid < 0 ? -errno : pid;
}

static int helper_wait(int pidfd, int wait_ms)
{
    const uint64_t until = clock_ms() + (uint64_t)wait_ms;
    struct pollfd end = { .fd = pidfd, .events = POLLIN };
    uint64_t now;
    int n;

    do {
        now = clock_ms();
        n = poll(&end, 1, now < until ? (int)(until - now) : 0);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

/* Returns the wait status, or -errno. */
static int helper_reap(pid_t pid)
{
    int status;
    pid_t r;

    do
        r = waitpid(pid, &status, 0);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : status;
}

int exec_helper(const struct master *m, const struct helper *h, int wait_ms)
{
    pid_t pid = exec_start_helper(m, h);
    int r;

    if (pid < 0)
        return (int)pid;
    FD_CLEANUP int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    r = pidfd < 0 ? -errno : helper_wait(pidfd, wait_ms);
    if (r == 0)
        return helper_reap(pid);
    kill(pid, SIGKILL); /* reaped with the other children */
    return r;
}

int exec_failed(const char *name, int status, struct complaint *c)
{
    return complain(c, "the program %s has failed: %s", name,
                    status == -ETIMEDOUT  ? "it was late"
                    : status < 0          ? strerror(-status)
                    : WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
                                          : "see its line above");
}
