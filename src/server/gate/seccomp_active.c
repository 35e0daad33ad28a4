/* The system calls that gate needs for PORT and EPRT (`active = yes`), besides
 * socket and bind, which gate may call anyway. A filter can't see the
 * destination of a connection; gate's active.c compares the destination with
 * the client's address. The session's own filter permits none of these calls.
 */
#include "sallyport/seccomp/policy.h"

#include <netinet/in.h>
#include <sys/socket.h>

static const struct permission may[] = {
    MAY_IF_BOTH(setsockopt, IS(1, IPPROTO_IP), IS(2, IP_BIND_ADDRESS_NO_PORT),
                "active mode"),
    MAY_IF(connect, IS(2, sizeof(struct sockaddr_in)), "active mode"),
    MAY_IF(connect, IS(2, sizeof(struct sockaddr_in6)), "active mode"),
    END_OF_LIST,
};

const struct policy policy_gate_active = { may, { &policy_gate, NULL } };
