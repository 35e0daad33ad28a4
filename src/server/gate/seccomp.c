/* The system calls of gate, which accepts connections, forks sessions, passes
 * descriptors, and makes the listeners that sessions get. Gate opens no file,
 * and makes no connection. Session's list is a part of gate's list, since a
 * session is a fork under this filter. */
#include "sallyport/seccomp/policy.h"

#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define KIND (SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)
#define PAIR (SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC)

static const struct permission may[] = {
    MAY(accept4, "connections"),
    MAY(getsockname, "the address that a client came to"),
    MAY_IF_ALL(socket, IS(0, AF_INET), IS(1, KIND), IS(2, 0),
               "a listener for a session's data connections"),
    MAY_IF_ALL(socket, IS(0, AF_INET6), IS(1, KIND), IS(2, 0),
               "a listener for a session's data connections"),
    MAY_IF_BOTH(setsockopt, IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY),
                "data connections send at once"),
    MAY_IF_BOTH(setsockopt, IS(1, SOL_SOCKET), IS(2, SO_REUSEADDR),
                "a port that closed connections still hold"),
    MAY_IF_BOTH(setsockopt, IS(1, IPPROTO_IPV6), IS(2, IPV6_V6ONLY),
                "a listener for IPv6 alone"),
    MAY_IF(bind, IS(2, sizeof(struct sockaddr_in)), "the listener's port"),
    MAY_IF(bind, IS(2, sizeof(struct sockaddr_in6)), "the listener's port"),
    MAY(listen, "the listener"),
    MAY_IF_BOTH(socketpair, IS(0, AF_UNIX), IS(1, PAIR),
                "channels of a new session"),
    /* Permits clone only with CLONE_PARENT, so gate can't make children of its
     * own. */
    MAY_IF(clone, IS(0, CLONE_PARENT | SIGCHLD), "fork of a session"),

    /* Calls of a session between fork and its own filter. */
    MAY_IF(prctl, IS(0, PR_SET_NO_NEW_PRIVS), "session's sandbox"),
    MAY_IF(prctl, IS(0, PR_SET_DUMPABLE), "session's sandbox"),
    MAY_IF(prctl, IS(0, PR_SET_PDEATHSIG), "session's sandbox"),
    MAY_IF(prlimit64, IS(0, 0), "session's own limits, no other process's"),
    MAY_IF(seccomp, IS(0, SECCOMP_SET_MODE_FILTER), "session's filter"),
    END_OF_LIST,
};

const struct policy policy_gate = { may, { &policy_session, NULL } };
