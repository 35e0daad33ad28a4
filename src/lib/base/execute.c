/* Runs another program without a shell, with a deadline and a bound. */
#include "sallyport/base/execute.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

int execute_program(const char *const argv[], int ms, bool errors, char *out,
                    size_t size)
{
    /* The size of the file is sealed, so the program can't fill the memory. */
    FD_CLEANUP int file =
        memfd_create("output", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    pid_t pid = file < 0 || ftruncate(file, (off_t)size) < 0 ||
                        fcntl(file, F_ADD_SEALS, F_SEAL_GROW) < 0
                    ? -1
                    : fork();
    int status = -1;
    ssize_t n;
    bool full;

    out[0] = '\0';
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_DFL);
        dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
        dup2(file, STDOUT_FILENO);
        if (errors)
            dup2(file, STDERR_FILENO);
        close_range(STDERR_FILENO + 1, ~0U, 0);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(EX_UNAVAILABLE);
    }
    if (pid < 0)
        return -1;
    FD_CLEANUP int ended = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd wait = { .fd = ended, .events = POLLIN };
    if (ended < 0 || poll(&wait, 1, ms) != 1)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    n = pread(file, out, size, 0);
    full = n < 1 || out[n - 1] != '\0';
    out[n < 1 ? 0 : n - 1] = '\0';
    if (full && WIFEXITED(status))
        return -EFBIG;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
