/* Ends a process after its parent's death; used in every process but master. A
 * child sees that its channel closes, sends its last events (such as the end of
 * a transfer) and exits. A child that is stopped or hangs is ended: the kernel
 * sends SIGCONT, which also wakes a stopped process, and its handler starts a
 * timer. SIGKILL would be too early: the last events would be lost. */
#include "parent.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

/* More than the time for which log waits for the last events of other
 * processes. */
#define LEAVE_S 5

static pid_t parent, leader;

/* SIGCONT may come from elsewhere too, while the parent still lives. A session
 * whose gate has ended becomes a child of master, the leader of its process
 * group: such a session may stay. */
static void on_continue(int number)
{
    const struct itimerval end = { .it_value = { .tv_sec = LEAVE_S } };

    (void)number;
    if (getppid() != parent && getppid() != leader)
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
    leader = getpgrp();
    if (sigaction(SIGCONT, &wake, NULL) || sigaction(SIGALRM, &end, NULL) ||
        sigprocmask(SIG_UNBLOCK, &both, NULL) ||
        prctl(PR_SET_PDEATHSIG, SIGCONT, 0, 0, 0))
        return -errno;
    on_continue(SIGCONT); /* the parent may have died meanwhile */
    return 0;
}
