/* Delays each fork until the other threads sleep in the kernel, by at most a
 * second. GCC's address sanitizer takes no lock of its allocator for a fork: if
 * another thread is in malloc(3) at that moment, the child's first malloc(3)
 * waits for ever. Criterion starts a thread of nanomsg, and forks a moment
 * later, so now and then a test program hung before its first test. The
 * processes that run a single test have boxfort's name; their forks aren't
 * delayed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_MS 1000

/* Does THREAD run? A thread that has ended doesn't. */
static bool runs(int tasks, const char *thread)
{
    char path[32], text[512] = "";
    const char *state;
    int fd;

    snprintf(path, sizeof(path), "%.20s/stat", thread);
    fd = openat(tasks, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (read(fd, text, sizeof(text) - 1) < 0)
        text[0] = '\0';
    close(fd);
    state = strrchr(text, ')');
    return state && strncmp(state, ") R", 3) == 0;
}

static bool another_runs(void)
{
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *entry;
    bool found = false;

    while (tasks && !found && (entry = readdir(tasks)))
        found = atoi(entry->d_name) > 0 && atoi(entry->d_name) != gettid() &&
                runs(dirfd(tasks), entry->d_name);
    if (tasks)
        closedir(tasks);
    return found;
}

static void before_fork(void)
{
    const int error = errno;

    for (int ms = 0; ms < MOST_MS && another_runs(); ms++)
        poll(NULL, 0, 1);
    errno = error;
}

__attribute__((constructor)) static void prepare(void)
{
    if (strcmp(program_invocation_short_name, "boxfort-worker") != 0)
        pthread_atfork(before_fork, NULL, NULL);
}
