/* Lends listeners for data connections. Runs in gate. A session that wants one
 * gets a fresh socket, on a random free port of `ports`, at the address that
 * its client has reached. The session accepts there and closes it. gate keeps
 * no copy, and never reads a byte of a connection.
 *
 * A listener is lent once: it never comes back, and no other session gets it.
 * A session that an attacker controls may keep a copy of its listener. If
 * another session got it too, the attacker could accept that session's client.
 * As long as a copy is open, the kernel gives the port to nobody else. */
#include "gate.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/random.h"

/* Connections that wait until the session accepts them. */
#define LEND_BACKLOG 16

/* Do the data connections of this session come by a proxy? */
static bool lend_by_proxy(const struct gate_child *c)
{
    return c->proxied && c->gate->settings.ports.proxy;
}

/* Returns the address that PASV announces. Behind NAT it isn't the address that
 * our socket shows. Behind a proxy it is the proxy's, if data connections come
 * through it. */
static struct address lend_announced(const struct gate_child *c, uint16_t port)
{
    const struct address *set =
        settings_announced(&c->gate->settings, &c->peer);
    struct address a = lend_by_proxy(c) ? c->server : c->local;

    if (set->family == c->server.family)
        a = *set;
    a.port = port;
    return a;
}

/* Chooses any port with the same chance, so that nobody can guess the next one.
 * The tries go through all ports if these are few. */
static uint16_t lend_port(const struct port_range *r, const uint32_t *dice,
                          unsigned try)
{
    unsigned count = r->last - r->first + 1u;

    if (r->automatic)
        return 0;
    if (count <= LEND_TRIES)
        return (uint16_t)(r->first + (dice[0] + try) % count);
    return (uint16_t)(r->first + dice[try] % count);
}

/* A closed connection of an earlier listener keeps its port for a minute
 * (TIME_WAIT): SO_REUSEADDR takes such a port, but none that listens. */
static int lend_socket(const struct address *a)
{
    struct sockaddr_storage where;
    socklen_t size = address_to_sockaddr(a, &where);
    FD_CLEANUP int fd =
        socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    socket_reuse_port(fd);
    socket_only_ipv6(fd);
    socket_no_delay(fd); /* connections inherit it */
    if (bind(fd, (struct sockaddr *)&where, size) < 0 ||
        listen(fd, LEND_BACKLOG) < 0)
        return -errno;
    return fd_take(&fd);
}

/* A link-local address needs its interface, which struct address doesn't have:
 * such a listener is at all addresses. */
static struct address lend_address(const struct address *local)
{
    static const uint8_t link_local[2] = { 0xfe, 0x80 };
    struct address a = *local;

    if (a.family == 6 && a.bytes[0] == link_local[0] &&
        (a.bytes[1] & 0xc0) == link_local[1])
        a = (struct address){ .family = 6 };
    return a;
}

/* Returns a listener, and writes where it listens; or -errno. */
static int lend_open(const struct gate_child *c, struct address *bound)
{
    const struct port_range *r = &c->gate->settings.ports;
    uint32_t dice[LEND_TRIES];
    int fd = -EADDRINUSE;

    random_bytes(dice, sizeof(dice));
    for (unsigned i = 0; i < LEND_TRIES && fd == -EADDRINUSE; i++) {
        *bound = lend_address(&c->local);
        bound->port = lend_port(r, dice, i);
        fd = lend_socket(bound);
    }
    if (fd >= 0 && r->automatic && socket_local(fd, bound) < 0)
        fd_close(&fd);
    return fd;
}

/* A session that asks again at once costs nothing: a client can make it ask
 * while all ports are in use, and an attacker in a session always. */
int lend_listener(struct gate_child *c, uint32_t request)
{
    uint64_t now = clock_ms();
    struct address bound;
    FD_CLEANUP int fd = -EADDRINUSE;

    if (now >= c->lends_again) {
        c->lends_again = now + LEND_PAUSE_MS;
        fd = lend_open(c, &bound);
    }
    if (fd < 0)
        return SEND(&c->channel, port_none, request, .error = -fd);
    return SEND(&c->channel, port_is, request,
                .address = lend_announced(c, bound.port), .bound = bound,
                .proxied = lend_by_proxy(c), .listener = fd);
}
