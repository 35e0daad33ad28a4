/* Lends listeners for data connections. Runs in gate. A session that asks gets
 * a fresh socket, on a random free port of `ports`, at the address to which its
 * client has connected. The session accepts its client's connections there, and
 * closes the listener when it has been idle. Gate keeps no copy, and never
 * reads a byte of a connection.
 *
 * A listener is lent once: it never comes back, and no other session gets it. A
 * session that an attacker controls can keep a copy of its listener. If another
 * session got the same listener, the attacker could accept the connection of
 * that session's client. As long as a copy is open, the kernel gives the port
 * to nobody else. */
#include "gate.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/random.h"

/* Connections that wait until the session accepts them. */
#define LEND_BACKLOG 16

/* Binds FD to a free port of R. Nobody can guess the port: it is random. If
 * many ports are in use, gate searches them in a row, from a random port on. A
 * bind() that fails doesn't change the socket. Returns 0 or -errno. */
static int lend_bind(int fd, const struct port_range *r, struct address *a)
{
    unsigned count = r->last - r->first + 1u;
    unsigned all = count < LEND_TRIES ? count : LEND_TRIES;
    unsigned tries = r->automatic ? 1 : LEND_RANDOM + all;
    uint32_t dice[LEND_RANDOM];
    struct sockaddr_storage where;

    random_bytes(dice, sizeof(dice));
    for (unsigned i = 0; i < tries; i++) {
        unsigned at = i < LEND_RANDOM ? dice[i] : dice[0] % count + i;
        socklen_t size;

        a->port = (uint16_t)(r->automatic ? 0 : r->first + at % count);
        size = address_to_sockaddr(a, &where);
        if (bind(fd, (struct sockaddr *)&where, size) == 0)
            return 0;
        if (errno != EADDRINUSE)
            return -errno;
    }
    return -EADDRINUSE;
}

/* Returns a listener, with its address in *BOUND; or -errno. A closed
 * connection of an earlier listener keeps its port for a minute (TIME_WAIT):
 * with SO_REUSEADDR, bind() takes such a port, but not a port at which a socket
 * still listens. */
static int lend_open(const struct gate_child *c, struct address *bound)
{
    const struct port_range *r = &c->gate->settings.ports;
    struct address at = c->local;
    const bool link_local =
        at.family == 6 && at.bytes[0] == 0xfe && (at.bytes[1] & 0xc0) == 0x80;
    FD_CLEANUP int fd = socket(at.family == 4 ? AF_INET : AF_INET6,
                               SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int result;

    if (fd < 0)
        return -errno;
    /* A link-local address needs an interface, which struct address doesn't
     * have: listen at all addresses. */
    if (link_local)
        at = (struct address){ .family = 6 };
    socket_set(fd, SOL_SOCKET, SO_REUSEADDR);
    if (at.family == 6)
        socket_set(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    /* Connections inherit the option. The server writes whole buffers, so the
     * kernel has nothing to gather. */
    socket_set(fd, IPPROTO_TCP, TCP_NODELAY);
    result = lend_bind(fd, r, &at);
    if (result == 0 && listen(fd, LEND_BACKLOG) < 0)
        result = -errno;
    if (result == 0 && r->automatic)
        result = address_of_socket(fd, &at);
    *bound = at;
    return result < 0 ? result : fd_take(&fd);
}

/* Answers with the address that PASV announces: behind NAT it differs from our
 * socket's address; behind a proxy it is the proxy's address, if data
 * connections come through the proxy. If a session asks again too soon, refuses
 * at once: a client can make its session ask while all ports are in use, and an
 * attacker who controls a session can ask at any time. */
int lend_on_port(void *owner, struct msg_port *m)
{
    struct gate_child *c = owner;
    const struct address *set =
        settings_announced(&c->gate->settings, &c->peer);
    const bool proxied = c->proxied && c->gate->settings.ports.proxy;
    struct address a = proxied ? c->server : c->local, bound;
    FD_CLEANUP int fd = -EADDRINUSE;

    if (debt_take(&c->lends, LEND_PAUSE_MS, LEND_PAUSE_MS, clock_ms()) == 0)
        fd = lend_open(c, &bound);
    if (fd < 0)
        return SEND(&c->channel, port_none, m->request, .error = -fd);
    if (set->family == c->server.family)
        a = *set;
    a.port = bound.port;
    return SEND(&c->channel, port_is, m->request, .address = a, .bound = bound,
                .proxied = proxied, .listener = fd);
}
