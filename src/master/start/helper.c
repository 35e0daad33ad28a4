/* Executes reader and check, and waits for their end. The code after the fork
 * here has the rights of master until the exec. */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "children/exec.h"
#include "core/master.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/stderr.h"

#define HIGH_FD   8
#define HELPER_MS 20000
#define SEALS     (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct helper {
    const char *name;
    const char *argv[4];
    int fd[2]; /* descriptors 3 and 4 of the program */
};

/* Both are copied to high numbers first, since one may have the number that the
 * other gets. */
static noreturn void become_helper(const struct master *m,
                                   const struct helper *h)
{
    const int fd[] = { fcntl(h->fd[0], F_DUPFD, HIGH_FD),
                       fcntl(h->fd[1], F_DUPFD, HIGH_FD) };

    exec_program(m, h->name, h->argv, fd, 2);
}

/* Returns its wait status, or -1 if it was too late and was killed. */
static int wait_for_helper(pid_t pid, int wait_ms)
{
    FD_CLEANUP int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd end = { .fd = pidfd, .events = POLLIN };
    int status = 0;

    if (poll(&end, 1, wait_ms) != 1) {
        kill(pid, SIGKILL); /* reaped with the other children */
        return -1;
    }
    waitpid(pid, &status, 0);
    return status;
}

static int run_helper(const struct master *m, const struct helper *h,
                      int wait_ms)
{
    pid_t pid = fork();

    if (pid == 0)
        become_helper(m, h);
    return pid < 0 ? -1 : wait_for_helper(pid, wait_ms);
}

/* NAME has done nothing that it was executed for. */
static int helper_failed(const char *name, int status, struct complaint *c)
{
    return complain(c, "the program %s has failed: %s", name,
                    status == -1          ? "it was late"
                    : WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
                                          : "see its line above");
}

/* What reader has complained about, or that it has failed. For --check it has
 * printed all mistakes, and left no complaint. */
static int why_refused(int status, int answer, struct complaint *c)
{
    ssize_t n;

    if (status == -1 || !WIFEXITED(status) || WEXITSTATUS(status) != EX_CONFIG)
        return helper_failed("reader", status, c);
    n = pread(answer, c->text, sizeof(c->text) - 1, 0);
    c->text[n < 0 ? 0 : n] = '\0';
    return -EINVAL;
}

int helper_settings(struct master *m, const char *path, struct complaint *c)
{
    FD_CLEANUP int file = settings_open(path, c);
    FD_CLEANUP int answer =
        memfd_create("settings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    const struct helper reader = {
        .name = "reader",
        .argv = { "sallyport: reader", m->check ? "check" : "settings", path },
        .fd = { file, answer },
    };
    int status;

    if (file < 0)
        return file;
    if (answer < 0)
        return complain(c, "memfd: %s", strerror(errno));
    status = run_helper(m, &reader, HELPER_MS);
    if (status != 0)
        return why_refused(status, answer, c);
    if (fcntl(answer, F_ADD_SEALS, SEALS) < 0)
        return complain(c, "memfd: %s", strerror(errno));
    if (settings_take(&m->settings, answer, c) < 0)
        return -EINVAL;
    m->conf = fd_take(&answer);
    return 0;
}

int helper_recover(struct master *m, int *kept, const char *path,
                   struct complaint *c)
{
    struct complaint why = { "" };

    if (settings_take(&m->settings, *kept, &why) < 0) {
        stderr_print("%s: %s is read again", why.text, path);
        return helper_settings(m, path, c);
    }
    m->conf = fd_take(kept);
    return 0;
}

bool helper_check(const struct master *m, const char *mode, int users,
                  int wait_ms)
{
    const struct helper check = {
        .name = "check",
        .argv = { "sallyport: check", mode, m->key_lost.text },
        .fd = { m->conf, users },
    };
    int status = run_helper(m, &check, wait_ms);

    if (status == -1)
        stderr_print(
            "%sthe homes weren't all looked at in time: one of them hangs",
            m->check ? "" : "warning: ");
    return status != 0;
}

int helper_prepare(const struct master *m, const char *part, struct prepared *p)
{
    FD_CLEANUP int file = memfd_create("prepared", MFD_CLOEXEC);
    const struct helper check = { .name = "check",
                                  .argv = { "sallyport: check", part, "" },
                                  .fd = { m->conf, file } };
    int status;

    if (file < 0 || pwrite(file, p, sizeof(*p), 0) != sizeof(*p))
        return complain(&p->why, "memfd: %s", strerror(errno));
    status = run_helper(m, &check, HELPER_MS);
    if (status != 0 || pread(file, p, sizeof(*p), 0) != sizeof(*p))
        return helper_failed("check", status, &p->why);
    return p->result;
}
