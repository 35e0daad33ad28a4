/* Master executes only the programs that it opened at its start. The code after
 * the fork here has the rights of master until the exec. */
#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/master.h"
#include "programs.h"
#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"

#define FIRST_FD 3

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
    int program = programs_find(m->programs, binary);
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
