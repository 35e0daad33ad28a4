/* Executes the program check and waits for it: nothing that only explains a
 * configuration is in master itself. What follows the fork here runs as master
 * does, until the exec. */
#include "checker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "children/programs.h"
#include "core/master.h"
#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/stderr.h"

#define FIRST_FD 3 /* the settings, then the users file */

/* Both are copied to higher numbers first, since one may have the other's. */
static int place_files(int settings, int users)
{
    int one = fcntl(settings, F_DUPFD, FIRST_FD + 2);
    int other = fcntl(users, F_DUPFD, FIRST_FD + 2);

    if (one < 0 || other < 0 || dup2(one, FIRST_FD) < 0 ||
        dup2(other, FIRST_FD + 1) < 0)
        return -errno;
    return close_range(FIRST_FD + 2, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ? -errno : 0;
}

static noreturn void become_check(const struct master *m, const char *mode,
                                  int users)
{
    char title[] = "sallyport: check";
    const char *argv[] = { title, mode, m->key_lost.text, NULL };
    int program = programs_find(m->programs, "check");
    int r = place_files(m->conf, users);

    if (r == 0)
        execveat(program, "", (char **)argv, environ, AT_EMPTY_PATH);
    die(EX_OSERR, "check: can't be executed: %s", strerror(r ? -r : errno));
}

/* The status, or -1 when it had to be killed. */
static int wait_for_check(pid_t pid, int wait_ms)
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

bool checker_run(const struct master *m, const char *mode, int users,
                 int wait_ms)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        become_check(m, mode, users);
    if (pid < 0)
        return false;
    status = wait_for_check(pid, wait_ms);
    if (status == -1)
        stderr_print(
            "%sthe homes weren't all looked at in time: one of them hangs",
            m->check ? "" : "warning: ");
    return status != 0;
}
