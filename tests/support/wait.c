/* Polls with a deadline, for things that have no descriptor to wait on. */
#include <sys/types.h>

#include "sallyport/base/clock.h"
#include "test.h"
#include "wait.h"

#define PAUSE_NS     (2L * 1000 * 1000)
#define PAUSE_NS_MAX (20L * 1000 * 1000)

/* Makes each pause longer than the last, since a TEST that reads a whole log
 * takes processor time from the process for which it waits. */
bool wait_until(bool (*test)(void *argument), void *argument, unsigned ms)
{
    struct timespec pause = { .tv_nsec = PAUSE_NS };
    uint64_t deadline = clock_ms() + ms;

    while (!test(argument)) {
        if (clock_ms() > deadline)
            return false;
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < PAUSE_NS_MAX)
            pause.tv_nsec += pause.tv_nsec / 4;
    }
    return true;
}

struct reaping {
    int pid, *status;
};

static bool is_reaped(void *argument)
{
    struct reaping *r = argument;
    int pid = waitpid(r->pid, r->status, WNOHANG);

    return pid == r->pid || (pid < 0 && errno == ECHILD);
}

bool wait_exit(int pid, int *status, unsigned ms)
{
    struct reaping r = { pid, status };

    return wait_until(is_reaped, &r, ms);
}
