/* session: parses what the network sends, so it has next to nothing. It moves
 * bytes between descriptors that others opened and accepted for it. Not on the
 * list, on purpose: every way to a new descriptor but recvmsg, and every
 * signal: tgkill would reach gate and other sessions, which have the same uid;
 * so abort() ends it by SIGSYS, which is a crash as well. */
#include "policy.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static const struct permission may[] = {
    MAY(pread64, "a file that is sent or hashed"),
    MAY(preadv, "the same"),
    MAY(pwrite64, "a partial that is received"),
    MAY(pwritev, "the same"),
    MAY(fadvise64, "read ahead"),
    MAY(shutdown, "the end of a connection, before the drain"),
    MAY(getsockname, "local address, for STAT and EPSV"),
    MAY(getpeername, "whose connection this is"),
    MAY(getsockopt, "SO_ERROR, TCP_INFO"),
    MAY_IF_BOTH(setsockopt, IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY), "replies"),
    MAY_IF_BOTH(setsockopt, IS(1, IPPROTO_TCP), IS(2, TCP_CORK),
                "whole segments"),
    MAY_IF_BOTH(setsockopt, IS(1, IPPROTO_TCP), IS(2, TCP_NOTSENT_LOWAT),
                "ABOR is answered soon"),
    MAY_IF_BOTH(setsockopt, IS(1, IPPROTO_TCP), IS(2, TCP_USER_TIMEOUT),
                "stalled data"),
    MAY_IF_BOTH(setsockopt, IS(1, IPPROTO_TCP), IS(2, TCP_KEEPIDLE),
                "a peer that vanished"),
    MAY_IF_BOTH(setsockopt, IS(1, IPPROTO_TCP), IS(2, TCP_KEEPINTVL),
                "a peer that vanished"),
    MAY_IF_BOTH(setsockopt, IS(1, IPPROTO_TCP), IS(2, TCP_KEEPCNT),
                "a peer that vanished"),
    MAY_IF_BOTH(setsockopt, IS(1, SOL_SOCKET), IS(2, SO_KEEPALIVE),
                "a peer that vanished"),
    MAY_IF_BOTH(setsockopt, IS(1, SOL_SOCKET), IS(2, SO_OOBINLINE),
                "ABOR with Telnet's urgent byte"),
    MAY_IF_BOTH(setsockopt, IS(1, SOL_SOCKET), IS(2, SO_LINGER), "the close"),
    MAY_IF_BOTH(setsockopt, IS(1, SOL_SOCKET), IS(2, SO_SNDBUF), "throughput"),
    MAY_IF_BOTH(setsockopt, IS(1, SOL_SOCKET), IS(2, SO_RCVBUF), "throughput"),
    END_OF_LIST,
};

const struct policy policy_session = { may, { &policy_common, NULL } };
