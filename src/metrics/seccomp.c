/* metrics: accepts connections of its one listener, and answers them. */
#include "sallyport/seccomp/policy.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static const struct permission may[] = {
    MAY(accept4, "connections"),
    MAY_IF_BOTH(setsockopt, IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY), "answers"),
    MAY_IF_BOTH(setsockopt, IS(1, IPPROTO_TCP), IS(2, TCP_CORK), "answers"),
    /* Of its listener, too; but nobody else serves those clients. */
    MAY_IF(shutdown, IS(1, SHUT_WR), "the end of an answer"),
    MAY_IF(shutdown, IS(1, SHUT_RDWR), "a client that is too slow"),
    END_OF_LIST,
};

const struct policy policy_metrics = { may, { &policy_common, NULL } };
