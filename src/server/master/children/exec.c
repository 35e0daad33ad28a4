/* Executes programs, but only programs that master has opened at its start or
 * inherited. Between fork and exec, the code here has the rights of master.
 * Reader parses the configuration and the users file, so that no parser runs in
 * a process of root. Runs in master. */
#include "children.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"

#define FIRST_FD   SETUP_CHANNEL_FD
#define FDS_MAX    (1 + SETUP_FDS)
#define OWN_BINARY "/proc/self/exe"
static const char *const programs[] = { "gate", "auth",  "keys",
                                        "log",  "check", "reader" };
#define PROGRAMS (sizeof(programs) / sizeof(programs[0]))
_Static_assert(PROGRAMS == MASTER_PROGRAMS, "each has its place");

int programs_find(const int *fd, const char *name)
{
    for (size_t i = 0; i < PROGRAMS; i++)
        if (strcmp(programs[i], name) == 0)
            return fd[i];
    return -1;
}

static const char *name_of_program(const char *program,
                                   char name[GENERATION_NAME_MAX])
{
    snprintf(name, GENERATION_NAME_MAX, GENERATION_PROGRAM "%s", program);
    return name;
}

int programs_open(struct succession *s, int *fd, struct complaint *c)
{
    char directory[PATH_MAX], path[PATH_MAX + NAME_MAX];
    char name[GENERATION_NAME_MAX];
    ssize_t n = readlink(OWN_BINARY, directory, sizeof(directory) - 1);

    if (n < 0)
        return complain(c, OWN_BINARY ": %s", strerror(errno));
    directory[n] = '\0';
    *strrchr(directory, '/') = '\0';
    for (size_t i = 0; i < PROGRAMS; i++) {
        fd[i] = s->recovery
                    ? succession_inherit(s, name_of_program(programs[i], name))
                    : -1;
        if (fd[i] >= 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", directory, programs[i]);
        fd[i] = open(path, O_PATH | O_CLOEXEC);
        if (fd[i] < 0)
            return complain(c, "%s: %s", path, strerror(errno));
    }
    return 0;
}

int programs_keep(struct succession *s, const int *fd)
{
    FD_CLEANUP int own = open(OWN_BINARY, O_PATH | O_CLOEXEC);
    char name[GENERATION_NAME_MAX];
    int r = own < 0 ? -errno : succession_keep(s, GENERATION_MASTER, own);

    for (size_t i = 0; i < PROGRAMS && r == 0; i++)
        r = succession_keep(s, name_of_program(programs[i], name), fd[i]);
    return r;
}

/* Executes the program BINARY in this process. The program gets the standard
 * descriptors, and the N descriptors in FD as 3, 4 and so on, but no others.
 * ARGUMENTS end with NULL. */
static noreturn void exec_program(const struct master *m, const char *binary,
                                  const char *const *arguments, const int *fd,
                                  int n)
{
    const int high = FIRST_FD + n;
    int program =
        fcntl(programs_find(m->programs, binary), F_DUPFD_CLOEXEC, high);
    char link[64], path[PATH_MAX];
    int copy[FDS_MAX], error;
    sigset_t none;
    ssize_t len;

    /* Copy all descriptors first, since the number of one descriptor can be the
     * new number of another. */
    for (int i = 0; i < n; i++) {
        copy[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, high);
        if (copy[i] < 0)
            die(EX_OSERR, "%s: %s", binary, strerror(errno));
    }
    for (int i = 0; i < n; i++)
        if (dup2(copy[i], FIRST_FD + i) < 0)
            die(EX_OSERR, "%s: %s", binary, strerror(errno));
    if (close_range((unsigned)high, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        die(EX_OSERR, "%s: close_range: %s", binary, strerror(errno));
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execveat(program, "", (char **)(uintptr_t)arguments, environ,
             AT_EMPTY_PATH);
    error = errno;
    /* Name the program's path, since its mode or its mount may be the cause of
     * "Permission denied". */
    snprintf(link, sizeof(link), "/proc/self/fd/%d", program);
    len = readlink(link, path, sizeof(path) - 1);
    path[len < 0 ? 0 : len] = '\0';
    die(EX_OSERR, "%s: can't be executed: %s", len < 0 ? binary : path,
        strerror(error));
}

pid_t exec_child(const struct master *m, const char *binary, int channel,
                 const struct setup *setup)
{
    char title[64];
    const char *const argv[] = { title, NULL };
    int fd[FDS_MAX] = { channel };
    int n = setup_write(setup, fd + 1);
    pid_t pid;

    if (n < 0)
        return n;
    pid = fork();
    if (pid == 0) {
        snprintf(title, sizeof(title), "sallyport: %s", binary);
        exec_program(m, binary, argv, fd, 1 + n);
    }
    fd_close(&fd[1]);
    return pid < 0 ? -errno : pid;
}

pid_t exec_start_helper(const struct master *m, const struct helper *h)
{
    const int most = sizeof(h->fd) / sizeof(h->fd[0]);
    pid_t self = getpid(), pid = fork();
    int n = 0;

    if (pid != 0)
        return pid < 0 ? -errno : pid;
    /* Ask the kernel to kill the helper when master ends, since a helper may
     * have no sandbox. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != self)
        _exit(EX_OSERR);
    while (n < most && h->fd[n] != 0)
        n++;
    exec_program(m, h->name, h->argv, h->fd, n);
}

int exec_wait(pid_t pid, int wait_ms)
{
    const uint64_t until = clock_ms() + (uint64_t)wait_ms;
    int status, r = -1;

    if (pid < 0)
        return (int)pid;
    FD_CLEANUP int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd end = { .fd = pidfd, .events = POLLIN };
    while (pidfd >= 0) {
        const uint64_t now = clock_ms();

        r = poll(&end, 1, now < until ? (int)(until - now) : 0);
        if (r >= 0 || errno != EINTR)
            break;
    }
    if (r <= 0) {
        r = r < 0 ? -errno : -ETIMEDOUT;
        kill(pid, SIGKILL); /* master reaps it later, as each child */
        return r;
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return status;
}

int exec_helper(const struct master *m, const struct helper *h, int wait_ms)
{
    return wait_ms <= 0 ? -ETIMEDOUT
                        : exec_wait(exec_start_helper(m, h), wait_ms);
}

int exec_failed(const char *name, int status, struct complaint *c)
{
    return complain(c, "the program %s has failed: %s", name,
                    status == -ETIMEDOUT  ? "it was late"
                    : status < 0          ? strerror(-status)
                    : WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
                                          : "see its line above");
}

/* With --check, reader itself has printed all mistakes of the configuration,
 * and ANSWER has no complaint. */
int reader_ended(int status, int answer, struct complaint *c)
{
    const int r = status == 0 ? fd_seal(answer) : 0;
    ssize_t n;

    if (r < 0)
        complain(c, "the answer of reader: %s", strerror(-r));
    if (status == 0)
        return r;
    if (status < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != EX_CONFIG) {
        exec_failed("reader", status, c);
        return status < 0 ? status : -EIO;
    }
    n = pread(answer, c->text, sizeof(c->text) - 1, 0);
    c->text[n < 0 ? 0 : n] = '\0';
    return -EINVAL;
}

pid_t reader_start(const struct master *m, const char *mode, const char *path,
                   int file, int *answer)
{
    struct helper reader = { .name = "reader",
                             .argv = { "sallyport: reader", mode, path,
                                       m->settings.file } };
    pid_t pid;

    *answer = memfd_create("answer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*answer < 0)
        return -errno;
    reader.fd[0] = file;
    reader.fd[1] = *answer;
    pid = exec_start_helper(m, &reader);
    if (pid < 0)
        fd_close(answer);
    return pid;
}

int reader_ask(const struct master *m, const char *mode, const char *path,
               int file, int wait_ms, struct complaint *c)
{
    FD_CLEANUP int answer = -1;
    const pid_t pid = reader_start(m, mode, path, file, &answer);
    int status, r;

    if (pid < 0 && answer < 0) {
        complain(c, "reader can't be started: %s", strerror(-pid));
        return (int)pid;
    }
    status = exec_wait(pid, wait_ms);
    r = reader_ended(status, answer, c);
    return r < 0 ? r : fd_take(&answer);
}
