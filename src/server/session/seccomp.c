/* The system-call policy of session. A session parses bytes from the network,
 * so the policy permits very little: the session moves bytes between
 * descriptors that other processes opened for it. Only two calls give it a new
 * descriptor: recvmsg, and accept4 on the listener that gate has lent to this
 * session alone. The policy excludes every signal: tgkill would reach gate and
 * other sessions, which have the same uid. So abort() ends the process by
 * SIGSYS, which counts as a crash, too. The policy excludes nearly every socket
 * option. The session doesn't need them: master has set the options of the
 * control connection, on its listener, and gate the options of data
 * connections. And with SO_LINGER a session could block the close() of the
 * process that gets the socket. */
#include "sallyport/seccomp/policy.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

static const struct permission may[] = {
    MAY(pread64, "a file that is sent or summed"),
    MAY(pwrite64, "a partial that is received"),
    MAY_IF(statx, IS(2, AT_EMPTY_PATH | AT_STATX_DONT_SYNC),
           "the type of a descriptor that files has sent"),
    MAY_IF(accept4, IS(3, SOCK_NONBLOCK | SOCK_CLOEXEC),
           "data connections to its own listener"),
    MAY_IF_BOTH(setsockopt, IS(1, IPPROTO_TCP), IS(2, TCP_QUICKACK),
                "a client that sends its part of a handshake in two pieces "
                "waits for the first's acknowledgement"),
    MAY_IF_BOTH(getsockopt, IS(1, SOL_SOCKET), IS(2, SO_MEMINFO),
                "whether a slow client acknowledges what was sent"),
    MAY_IF_BOTH(prlimit64, IS(0, 0), IS(1, RLIMIT_FSIZE),
                "the user's limit of a file's size, at the login"),
    /* Shuts only the sending half: the session must still read what the client
     * sends, or the kernel sends a reset. */
    MAY_IF(shutdown, IS(1, SHUT_WR),
           "the end of a connection, before the rest is read"),
    END_OF_LIST,
};

const struct policy policy_session = { may, { &policy_common, NULL } };
