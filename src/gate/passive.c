/* Passive ports. Runs in gate. All of them listen all the time, and one port
 * serves many client hosts. gate sends a connection to the session that expects
 * its host at this port, or closes it. gate never reads a byte of a connection.
 *
 * If data connections come by a proxy, a session, not gate, reads the PROXY
 * header that names the client. So gate lends a port to one such session at a
 * time, and offers it the connections there one by one. It must never give a
 * connection to a second session, nor believe a session about a connection that
 * gate didn't offer to it. */
#include "gate.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/random.h"

#define PORT_TRIES 64 /* random ones, for a free port */

static void passive_on_connection(struct acceptor *d, int fd,
                                  const struct address *peer);

int passive_add(struct gate *g, int fd, const struct address *bound,
                bool retired)
{
    struct passive *p = &g->passive;

    if (p->count == PASSIVE_MAX)
        return -ENOBUFS;
    if (p->count == p->room) {
        size_t room = p->room ? p->room * 2 : 128;
        struct port *more = reallocarray(p->port, room, sizeof(*more));

        if (!more)
            return -ENOMEM;
        p->port = more;
        p->room = room;
    }
    p->port[p->count++] = (struct port){
        .gate = g,
        .acceptor = { .loop = &g->frame.loop,
                      .fd = fd,
                      .bound = *bound,
                      .enter = passive_on_connection },
        .both = address_is_any(bound) && socket_takes_both(fd),
        .retired = retired,
    };
    return 0;
}

/* Do the data connections of this session come by a proxy? */
static bool lend_by_proxy(const struct child *c)
{
    return c->proxied && c->gate->settings.ports.proxy;
}

/* The pair of the session that has the port for itself, or NULL. */
static struct pair *lend_borrower(const struct port *port)
{
    struct pair *pair = LIST_FIRST(&port->expected);

    return pair && lend_by_proxy(pair->child) ? pair : NULL;
}

/* The connection is judged, or no longer wanted: accepts the next one at the
 * port. It may be called at any time. */
static void lend_end(struct port *port)
{
    port->offered = false;
    acceptor_go(&port->acceptor);
}

/* Can this session share the port with all sessions that expect a client there?
 */
static bool lend_may(const struct child *c, const struct port *port)
{
    return lend_by_proxy(c) ? LIST_EMPTY(&port->expected)
                            : !lend_borrower(port);
}

/* The borrower judges a connection: the next one waits. */
static void lend_hold(struct port *port)
{
    port->offered = true;
    acceptor_hold(&port->acceptor);
}

/* The session answers with `data_mine` or `data_foreign`. Until then the next
 * connection waits, so that no other one takes the right one's place. */
static void lend_offer(struct pair *pair, int fd, const struct address *proxy)
{
    lend_hold(pair->port);
    child_answered(pair->child, SEND(&pair->child->channel, data_proxied, 0,
                                     .proxy = *proxy, .connection = fd));
}

static void passive_set_timer(struct gate *g)
{
    uint64_t next = expect_next(&g->passive.expect), now = clock_ms();

    if (next == 0)
        loop_timer_clear(&g->frame.loop, &g->passive.timer);
    else if (!g->passive.timer.armed || g->passive.timer.at > next)
        loop_timer_set(&g->frame.loop, &g->passive.timer,
                       next > now ? next - now : 0);
}

static void passive_unpark(struct pair *pair)
{
    pair->port->gate->passive.parked -= pair->parked_count;
    while (pair->parked_count > 0)
        fd_close(&pair->parked[--pair->parked_count].fd);
    pair->given = false;
}

/* Closes a retired port at which nobody is expected any more. */
static void port_retire(struct port *port)
{
    if (port->retired && port->gate->accepts && LIST_EMPTY(&port->expected))
        acceptor_close(&port->acceptor);
}

void passive_retire(struct gate *g)
{
    for (size_t i = 0; i < g->passive.count; i++)
        port_retire(&g->passive.port[i]);
}

/* No connection came: the pair rests. */
static void passive_give_up(struct gate *g, struct pair *pair)
{
    struct port *port = pair->port;

    lend_end(port);
    passive_unpark(pair);
    pair->child->pair = NULL;
    expect_rest(&g->passive.expect, pair, clock_ms());
    port_retire(port);
}

/* The connection of the session's client has come. */
static void passive_used(struct child *c)
{
    struct pair *pair = c->pair;
    struct port *port = pair->port;

    c->pair = NULL;
    passive_unpark(pair);
    expect_used(&c->gate->passive.expect, pair, clock_ms());
    port_retire(port);
}

/* Also before each look at the table: a timer may come late. */
static void passive_expire(struct gate *g)
{
    uint64_t now = clock_ms();
    struct pair *pair;

    while ((pair = expect_due(&g->passive.expect, now)))
        passive_give_up(g, pair);
}

static void passive_on_timer(void *owner)
{
    passive_expire(owner);
    passive_set_timer(owner);
}

static int port_compare(const void *a, const void *b)
{
    const struct address *x = &((const struct port *)a)->acceptor.bound;
    const struct address *y = &((const struct port *)b)->acceptor.bound;

    if (x->port != y->port)
        return x->port < y->port ? -1 : 1;
    if (x->family != y->family)
        return x->family < y->family ? -1 : 1;
    return memcmp(x->bytes, y->bytes, sizeof(x->bytes));
}

/* The port that listens there; NULL: none. */
static struct port *passive_find(struct gate *g, const struct address *bound)
{
    const struct port key = { .acceptor.bound = *bound };

    if (g->passive.count == 0)
        return NULL;
    return bsearch(&key, g->passive.port, g->passive.count, sizeof(key),
                   port_compare);
}

/* The client's time begins with the 150, and the session sends port_close when
 * it is over. Between EPSV and 150 files may need as long again. */
int passive_begin(struct gate *g)
{
    struct passive *p = &g->passive;
    int r = expect_init(&p->expect, g->places + PASSIVE_RESTING,
                        2 * g->settings.connect_timeout);

    p->timer = (struct loop_timer){ .on_timer = passive_on_timer, .owner = g };
    if (p->count > 0) /* for passive_find(); they stay where they are */
        qsort(p->port, p->count, sizeof(*p->port), port_compare);
    for (size_t i = 0; r == 0 && i < p->count; i++) {
        socket_no_delay(p->port[i].acceptor.fd); /* connections inherit it */
        r = acceptor_init(&p->port[i].acceptor);
    }
    return r;
}

void passive_release(struct gate *g)
{
    struct passive *p = &g->passive;

    for (size_t i = 0; i < p->count; i++)
        acceptor_close(&p->port[i].acceptor);
    expect_release(&p->expect);
    free(p->port);
    *p = (struct passive){ 0 };
}

/* Can a client that has reached LOCAL reach this port? */
static bool port_serves(const struct port *port, const struct address *local)
{
    const struct address *bound = &port->acceptor.bound;

    if (port->retired)
        return false;
    if (!address_is_any(bound))
        return address_same_host(bound, local);
    return bound->family == local->family || port->both;
}

static bool port_fits(const struct port *port, const struct child *c)
{
    return port_serves(port, &c->local) && lend_may(c, port);
}

static void port_mark_busy(struct port *port, void *owner)
{
    const struct passive *p = owner;

    port->busy = p->search;
}

/* Chooses any free port with the same chance, so that nobody can guess the next
 * one. There may be 65,536: looks at all only if some tries found none, since
 * then nearly all are taken. */
static struct port *port_pick(struct passive *p, const struct child *c)
{
    uint32_t dice[PORT_TRIES];

    p->search++;
    expect_each_port(&p->expect, &c->peer, port_mark_busy, p);
    random_bytes(dice, sizeof(dice));
    for (size_t i = 0; i < p->count + PORT_TRIES && p->count > 0; i++) {
        size_t n = i < PORT_TRIES ? dice[i] : dice[0] + i;
        struct port *port = &p->port[n % p->count];

        if (port->busy != p->search && port_fits(port, c))
            return port;
    }
    return NULL;
}

/* Returns the address that PASV announces. Behind NAT it isn't the address that
 * our socket shows. Behind a proxy it is the proxy's, if data connections come
 * through it. */
static struct address port_announced(const struct child *c,
                                     const struct port *port)
{
    const struct address *set =
        settings_announced(&c->gate->settings, &c->peer);
    struct address a = lend_by_proxy(c) ? c->server : c->local;

    if (set->family == c->server.family)
        a = *set;

    a.port = port->acceptor.bound.port;
    return a;
}

static struct pair *passive_choose(struct child *c)
{
    struct passive *p = &c->gate->passive;
    struct port *port = port_pick(p, c);
    struct pair *pair = NULL;

    if (port)
        pair = expect_add(&p->expect, &c->peer, port, &port->expected, c,
                          clock_ms());
    if (pair) {
        pair->session = c->serial;
        pair->user = c->user;
    }
    return pair;
}

/* A late connection for this pair may wait in the listener's backlog. It is
 * turned away now, while the pair still rests. Otherwise a connection that its
 * client has given up would count as the new one (rclone does this: LIST of a
 * directory that doesn't exist, then the next LIST). The sweep may also have
 * ended the rest. */
static struct pair *passive_choose_rested(struct child *c, struct pair *pair)
{
    struct expect *e = &c->gate->passive.expect;
    struct port *port = pair->port;

    acceptor_sweep(&port->acceptor);
    if (expect_find(e, &c->peer, port) != pair || pair->child)
        return passive_choose(c);
    expect_again(e, pair, &port->expected, c, clock_ms());
    pair->session = c->serial;
    pair->user = c->user;
    return pair;
}

/* No pair is free: takes one that a session of another user has left unused. A
 * late connection of that user's client can't resume a TLS session of this
 * user, and the session checks that (passive_deliver()). */
static struct pair *passive_choose_other(struct child *c)
{
    struct pair *pair;

    if (c->user == 0)
        return NULL;
    pair = expect_other(&c->gate->passive.expect, &c->peer, c->user, clock_ms(),
                        port_fits, c);
    if (pair && pair->child)
        passive_give_up(c->gate, pair);
    return pair ? passive_choose_rested(c, pair) : NULL;
}

/* The pair that this session left longest ago. */
static struct pair *passive_choose_again(struct child *c)
{
    struct pair *pair =
        expect_rests(&c->gate->passive.expect, &c->peer, c->serial).longest;

    return pair && port_fits(pair->port, c) ? passive_choose_rested(c, pair)
                                            : NULL;
}

/* A session may leave a sixteenth of the pairs that all sessions of its host
 * share, and only one while many pairs of the host rest: each EPSV of the host
 * walks over them. After that it gets its own pairs again, and also if no other
 * pair is free. */
static bool has_left_many(const struct child *c)
{
    const struct passive *p = &c->gate->passive;
    struct rests r = expect_rests(&p->expect, &c->peer, c->serial);
    size_t most = r.of_host < PASSIVE_HOST_RESTING ? p->count / 16 : 1;

    return r.of_session >= (most > 1 ? most : 1);
}

int passive_port(struct child *c, uint32_t request)
{
    passive_leave(c);
    passive_expire(c->gate);
    c->pair = has_left_many(c) ? passive_choose_again(c) : passive_choose(c);
    if (!c->pair)
        c->pair = passive_choose_again(c);
    if (!c->pair)
        c->pair = passive_choose_other(c);
    if (!c->pair)
        return SEND(&c->channel, port_none, request);
    passive_set_timer(c->gate);
    return SEND(&c->channel, port_is, request,
                .address = port_announced(c, c->pair->port));
}

/* The connection waits until the session has judged the earlier one. */
static void passive_park(struct pair *pair, int *fd, const struct address *peer)
{
    struct passive *p = &pair->port->gate->passive;

    if (pair->parked_count == EXPECT_PARKED || p->parked == PASSIVE_PARKED)
        return;
    p->parked++;
    pair->parked[pair->parked_count++] =
        (struct parked){ .fd = fd_take(fd), .peer = *peer };
}

void passive_adopt(struct child *c, const struct msg_moved_port *m)
{
    struct port *port = passive_find(c->gate, &m->port);

    if (!port || port->acceptor.fd < 0 || c->pair || !lend_may(c, port))
        return;
    c->pair = expect_adopt(&c->gate->passive.expect, &c->peer, port,
                           &port->expected, c, m->until);
    if (!c->pair)
        return;
    c->pair->session = c->serial;
    c->pair->user = c->user;
    c->pair->tries = (unsigned)m->tries;
    if (m->judges && lend_by_proxy(c))
        lend_hold(port);
    else
        c->pair->given = m->judges;
    passive_set_timer(c->gate);
}

void passive_adopt_parked(struct child *c, struct msg_moved_parked *m)
{
    if (c->pair && c->pair->given)
        passive_park(c->pair, &m->connection, &m->peer);
}

void passive_adopt_rest(struct gate *g, const struct msg_resting *m)
{
    struct port *port = passive_find(g, &m->port);
    const struct leaver leaver = { .user = m->user, .until = m->until };

    if (!port || port->retired)
        return;
    expect_adopt_rest(&g->passive.expect, &m->client, port, &leaver, m->session,
                      clock_ms());
    passive_set_timer(g);
}

void passive_leave(struct child *c)
{
    if (!c->pair)
        return;
    passive_give_up(c->gate, c->pair);
    passive_set_timer(c->gate);
}

/* Sends the socket to the session, and frees the pair. If it may be a late
 * connection of another user, the pair is freed when the session has reported
 * that it isn't. After EXPECT_PARKED doubtful connections the next one is given
 * without doubt: a wrong one then costs the transfer (425). */
static void passive_deliver(struct pair *pair, int fd,
                            const struct address *peer)
{
    struct child *c = pair->child;
    bool doubtful =
        expect_doubtful(pair, clock_ms()) && ++pair->tries <= EXPECT_PARKED;

    pair->given = doubtful;
    if (!doubtful)
        passive_used(c);
    child_answered(c, SEND(&c->channel, data, 0, .peer = *peer,
                           .doubtful = doubtful, .connection = fd));
}

/* Is the session judging a connection? */
static bool passive_is_judged(const struct pair *pair)
{
    return pair && (pair->given || pair->port->offered);
}

void passive_mine(struct child *c)
{
    if (!passive_is_judged(c->pair))
        return;
    lend_end(c->pair->port);
    passive_used(c);
}

/* The next connection's turn comes. */
static void passive_unpark_first(struct pair *pair)
{
    struct parked first = pair->parked[0];

    if (pair->parked_count == 0)
        return;
    for (size_t i = 1; i < pair->parked_count; i++)
        pair->parked[i - 1] = pair->parked[i];
    pair->parked_count--;
    pair->port->gate->passive.parked--;
    passive_deliver(pair, first.fd, &first.peer);
    fd_close(&first.fd);
}

/* gate believes the session only about the PORT of a connection that no proxy
 * brought. */
void passive_foreign(struct child *c, const struct address *whose,
                     enum foreign why)
{
    static const char *const words[FOREIGN_COUNT] = {
        [FOREIGN_CLIENT] = "not who is expected",
        [FOREIGN_HEADER] = "no PROXY header in order",
    };
    struct address peer = c->peer;
    struct pair *pair = c->pair;

    if (!passive_is_judged(pair))
        return;
    if (pair->port->offered) {
        if (words[why])
            report_stranger(c->gate, whose, &pair->port->acceptor.bound,
                            words[why]);
        lend_end(pair->port);
        return;
    }
    pair->given = false;
    peer.port = whose->port;
    report_stranger(c->gate, &peer, &pair->port->acceptor.bound,
                    "of another user, or it proves nothing");
    passive_unpark_first(pair);
}

static void port_turn_away(struct port *port, const struct pair *own,
                           const struct address *peer)
{
    const char *why = own && !own->child            ? "too late"
                      : LIST_EMPTY(&port->expected) ? "nobody is expected"
                                                    : "not who is expected";

    report_stranger(port->gate, peer, &port->acceptor.bound, why);
}

static bool port_is_proxy(const struct port *port, const struct address *peer)
{
    const struct settings *s = &port->gate->settings;

    return s->ports.proxy && settings_networks_hold(&s->proxies, peer);
}

/* If a proxy connects to a port where nobody is expected, it is a health check,
 * or it is late. Its client is unknown, and a line for each health check is of
 * no use. */
static void passive_on_connection(struct acceptor *d, int fd,
                                  const struct address *peer)
{
    struct port *port = (struct port *)d; /* its first member */
    int socket FD_CLEANUP = fd;
    struct pair *own, *borrower;
    bool proxy;

    passive_expire(port->gate);
    own = expect_find(&port->gate->passive.expect, peer, port);
    borrower = lend_borrower(port);
    proxy = port_is_proxy(port, peer);
    if (proxy && borrower)
        lend_offer(borrower, socket, peer);
    else if (own && own->given)
        passive_park(own, &socket, peer);
    else if (own && own->child && !lend_by_proxy(own->child))
        passive_deliver(own, socket, peer);
    else if (!proxy || own)
        port_turn_away(port, own, peer);
}
