/* The room of a disk, with a deadline. A dead disk blocks its caller in the
 * kernel, where only SIGKILL ends the call; so a fork asks. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

#define DISK_MS 3000

struct disk_answer {
    int error;
    struct statvfs room;
};

static noreturn void disk_ask(const char *path, int to)
{
    struct disk_answer a = { 0 };

    signal(SIGPIPE, SIG_DFL);
    a.error = statvfs(path, &a.room) < 0 ? errno : 0;
    _exit(write(to, &a, sizeof(a)) != sizeof(a));
}

int disk_room(const char *path, struct statvfs *ret)
{
    struct disk_answer a = { .error = ETIMEDOUT };
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    pid = fork();
    if (pid == 0)
        disk_ask(path, ends[1]);
    fd_close(&ends[1]);
    struct pollfd wait = { .fd = ends[0], .events = POLLIN };
    if (pid < 0)
        a.error = errno;
    else if (poll(&wait, 1, DISK_MS) == 1 &&
             read(ends[0], &a, sizeof(a)) != sizeof(a))
        a.error = EIO;
    fd_close(&ends[0]);
    if (pid > 0)
        kill(pid, SIGKILL);
    if (pid > 0) /* one that hangs is left to init */
        waitpid(pid, NULL, a.error == ETIMEDOUT ? WNOHANG : 0);
    *ret = a.room;
    return -a.error;
}
