/* gate: accepts, forks sessions, hands on descriptors. It opens nothing and
 * makes no socket but pairs: all listeners come from master. Session's list is
 * part of it, since a session is a fork under this filter. */
#include "policy.h"

#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define NAMESPACES                                                             \
    (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID |               \
     CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

static const struct permission may[] = {
    MAY(accept4, "connections"),
    MAY(setsockopt, "listeners and new connections"),
    MAY_IF(socketpair, IS(0, AF_UNIX), "channels of a new session"),
    MAY_IF(clone, WITHOUT(0, NAMESPACES), "fork of a session"),
    MAY(set_robust_list, "libc, in the child of a fork"),
    MAY(wait4, "reaping sessions"),
    MAY(waitid, "reaping sessions"),
    MAY(signalfd4, "SIGCHLD in the loop"),
    MAY(pidfd_open, "a session that is to be killed, and no other process"),
    MAY(pidfd_send_signal, "a session that outlived its kick"),
    MAY(kill, "the same"),
    MAY(tgkill, "abort()"),

    /* What a session does between fork and its own filter. */
    MAY_IF(prctl, IS(0, PR_SET_NO_NEW_PRIVS), "session's cage"),
    MAY_IF(prctl, IS(0, PR_SET_DUMPABLE), "session's cage"),
    MAY_IF(prlimit64, IS(0, 0), "session's limits; of nobody else"),
    MAY_IF(seccomp, IS(0, SECCOMP_SET_MODE_FILTER), "session's filter"),
    END_OF_LIST,
};

const struct policy policy_gate = { may, { &policy_session, NULL } };
