/* The parent's death, in every process but master. Each sees it by itself, at
 * the channel that closes, says its last words (what became of a transfer) and
 * leaves. Who can't, since it is stopped or hangs, is made to: SIGCONT from the
 * kernel, which wakes also the stopped, then a timer that nothing stops. Not
 * SIGKILL at once: the last words of all would be lost with every parent. */
#include "parent.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

/* More than log waits for the last words of others. */
#define LEAVE_S 5

static pid_t parent;

/* The kernel's SIGCONT, or somebody else's: then the parent still lives. */
static void on_continue(int number)
{
    const struct itimerval end = { .it_value = { .tv_sec = LEAVE_S } };

    (void)number;
    if (getppid() != parent)
        setitimer(ITIMER_REAL, &end, NULL);
}

int parent_follow(void)
{
    struct sigaction wake = { .sa_handler = on_continue,
                              .sa_flags = SA_RESTART };
    struct sigaction end = { .sa_handler = SIG_DFL };
    sigset_t both;

    sigemptyset(&both);
    sigaddset(&both, SIGCONT);
    sigaddset(&both, SIGALRM);
    parent = getppid();
    if (sigaction(SIGCONT, &wake, NULL) || sigaction(SIGALRM, &end, NULL) ||
        sigprocmask(SIG_UNBLOCK, &both, NULL) ||
        prctl(PR_SET_PDEATHSIG, SIGCONT, 0, 0, 0))
        return -errno;
    on_continue(SIGCONT); /* it may have died meanwhile */
    return 0;
}
