/* Asks secret-tool. The answer comes through a pipe that no other program
 * has. */
#include "keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

#define KEYRING_MS 10000

extern char **environ;

static int keyring_start(const struct url *url, int out, pid_t *pid)
{
    char *argv[] = { "secret-tool", "lookup",
                     "server",      (char *)url->host,
                     "user",        (char *)url->user,
                     NULL };
    posix_spawn_file_actions_t actions;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                     O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
                                     O_WRONLY, 0);
    int r = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return r;
}

static size_t keyring_read(int in, char *out, size_t size)
{
    uint64_t end = clock_ms() + KEYRING_MS, now;
    struct pollfd p = { .fd = in, .events = POLLIN };
    size_t len = 0;

    while (len < size && (now = clock_ms()) < end) {
        if (poll(&p, 1, (int)(end - now)) <= 0)
            continue;
        ssize_t n = read(in, out + len, size - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    return len;
}

/* Has the program closed its end? */
static bool keyring_ended(int in)
{
    struct pollfd p = { .fd = in, .events = POLLIN };

    return poll(&p, 1, 0) == 1 && p.revents & POLLHUP;
}

bool keyring_find(const struct url *url, struct secret *ret)
{
    char answer[SECRET_MAX + 2];
    int ends[2], status = 1;
    pid_t pid;

    if (!getenv("DBUS_SESSION_BUS_ADDRESS") || pipe2(ends, O_CLOEXEC) < 0)
        return false;
    int r = keyring_start(url, ends[1], &pid);
    fd_close(&ends[1]);
    if (r == 0) {
        size_t len = keyring_read(ends[0], answer, sizeof(answer));
        if (len == sizeof(answer) || !keyring_ended(ends[0]))
            kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (len > 0 && answer[len - 1] == '\n')
            len--;
        if (len == 0 || status != 0 ||
            secret_set(ret, (struct slice){ answer, len }) < 0)
            r = -ENOENT;
        explicit_bzero(answer, sizeof(answer));
    }
    fd_close(&ends[0]);
    return r == 0;
}
