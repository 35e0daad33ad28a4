/* The port of a session's data connections: a listener that gate lends at the
 * first EPSV or PASV. Only this session has it. The session itself accepts
 * connections there, closes each connection that isn't its client's, and
 * answers further EPSV and PASV without gate. It closes the listener after some
 * time without use, since ports are few. It must never take a connection of
 * another host. */
#include "transfer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "data.h"
#include "sallyport/base/fd.h"
#include "sallyport/ftp/hostport.h"

/* Time in ms for which the listener waits for the next EPSV. */
#define PORT_IDLE_MS 10000
/* The most connections that one EPSV closes because they came before it. */
#define PORT_SWEEP 16

static void data_port_close(struct session *s)
{
    struct data_port *p = &s->port;

    report_stranger(s, NULL, "more of them");
    loop_timer_clear(&s->loop, &p->timer);
    loop_remove(&s->loop, &p->watch);
    fd_close(&p->fd);
}

/* Closes the listener. A transfer that waits for a connection fails. */
static void data_port_give_up(struct session *s)
{
    data_port_close(s);
    if (s->data.state != DATA_EXPECTED)
        return;
    data_close(s);
    if (s->transfer.state == TRANSFER_CONNECTING)
        transfer_fail(s, FAILED_UNCONNECTED, "the server is busy");
}

/* Closes the listener. But if a transfer waits for its client, or the session
 * reads a PROXY header, waits again: another timer limits these waits. */
static void data_port_on_timer(void *owner)
{
    struct session *s = owner;
    bool waits = (s->data.state == DATA_EXPECTED || data_port_contested(s)) &&
                 s->transfer.state != TRANSFER_NONE;

    if (waits || s->data.state == DATA_HEADER) {
        data_port_idle(s);
        return;
    }
    data_port_give_up(s);
    control_after_event(s);
}

void data_port_idle(struct session *s)
{
    if (s->port.fd >= 0)
        loop_timer_set(&s->loop, &s->port.timer, PORT_IDLE_MS);
}

/* Returns the socket; -1: there is no connection. Gives up a listener that
 * can't accept, since it would wake the session again and again; but keeps it
 * after an error that concerns only one connection. */
static int data_port_accept(struct session *s, struct address *peer)
{
    struct sockaddr_storage from = { 0 };
    socklen_t len = sizeof(from);
    FD_CLEANUP int fd = accept4(s->port.fd, (struct sockaddr *)&from, &len,
                                SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED &&
        errno != EPROTO)
        data_port_give_up(s);
    if (fd < 0 || address_from_sockaddr(peer, &from) < 0)
        return -1;
    return fd_take(&fd);
}

/* Is PEER a proxy? If so, the PROXY header says whether the connection is the
 * client's. */
static bool data_port_is_proxy(const struct session *s,
                               const struct address *peer)
{
    return s->port.proxied &&
           settings_networks_hold(&s->settings->proxies, peer);
}

/* Reports an unexpected connection, which the caller closes: a second
 * connection, or a connection for an earlier EPSV. Doesn't report a proxy's
 * connection: it is late, or a health check, and a line for each health check
 * is useless. */
static void data_port_turn_away(struct session *s, const struct address *peer)
{
    bool own = !s->port.proxied && address_same_host(peer, &s->peer);

    if (!data_port_is_proxy(s, peer))
        report_stranger(s, peer,
                        own ? "nobody is expected" : "not who is expected");
}

bool data_port_contested(const struct session *s)
{
    return s->port.came && s->data.state == DATA_CONNECTED &&
           !s->port.proxied && s->login.binding != BINDING_ADDRESS &&
           s->transfer.state <= TRANSFER_HANDSHAKE;
}

/* Returns a connection with the client's address that waits in the kernel; -1:
 * there is none. */
static int data_port_fresh(struct session *s)
{
    for (int i = 0; i < PORT_SWEEP && s->port.fd >= 0; i++) {
        struct address peer;
        int fd FD_CLEANUP = data_port_accept(s, &peer);

        if (fd < 0)
            break;
        if (address_same_host(&peer, &s->peer))
            return fd_take(&fd);
        data_port_turn_away(s, &peer);
    }
    return -1;
}

bool data_port_next(struct session *s, bool keep)
{
    struct data *d = &s->data;
    struct slow next = { .fd = -1 };

    if (s->transfer.misses + d->slow_count < TRIES_MAX)
        next.fd = data_port_fresh(s);
    if (next.fd < 0 && d->slow_count == 0)
        return false;
    if (keep) {
        d->slow[d->slow_count++] = (struct slow){ fd_take(&d->fd), d->stream };
        d->stream = NULL;
    }
    if (next.fd < 0) {
        next = d->slow[0];
        memmove(d->slow, d->slow + 1, --d->slow_count * sizeof(next));
    }
    data_release(s, DATA_EXPECTED);
    d->stream = next.stream;
    data_adopt(s, next.fd, DATA_CONNECTED, EPOLLIN);
    return true;
}

/* Accepts one connection in each turn of the loop. */
static void data_port_on_readable(void *owner, uint32_t events)
{
    struct session *s = owner;
    struct address peer;

    (void)events;
    if (data_port_contested(s)) {
        loop_change(&s->loop, &s->port.watch, 0);
        return;
    }
    int fd = data_port_accept(s, &peer);
    if (fd < 0) {
        control_after_event(s);
        return;
    }
    if (s->data.state != DATA_EXPECTED) {
        data_port_turn_away(s, &peer);
    } else if (data_port_is_proxy(s, &peer)) {
        proxied_on_data(s, fd_take(&fd), &peer);
    } else if (!s->port.proxied && address_same_host(&peer, &s->peer)) {
        s->port.came = true;
        /* a transfer under way needs EPOLLIN for its handshake */
        if (data_adopt(s, fd_take(&fd), DATA_CONNECTED,
                       s->transfer.state == TRANSFER_CONNECTING ? EPOLLIN : 0))
            transfer_run(s, WAITS_CLIENT);
        if (!data_port_contested(s)) /* the client's own may still wait */
            data_port_idle(s);
    } else {
        report_stranger(s, &peer, "not who is expected");
        s->port.stranger = peer; /* for the words of a later 425 */
    }
    fd_close(&fd);
    control_after_event(s);
}

/* Replies to PASV or EPSV, with a ticket if the previous transfer brought none.
 * Many clients begin the handshake before they ask for the file. For these
 * clients a ticket with the 150 is too late, if their last ticket has expired,
 * or was used for a refused transfer. */
static void data_port_announce(struct session *s)
{
    const struct address *a = &s->port.address;
    char text[HOSTPORT_MAX];

    s->data.state = DATA_EXPECTED;
    s->port.came = s->port.used = false;
    loop_timer_set(&s->loop, &s->port.timer, 2 * s->settings->connect_timeout);
    binding_offer_with_port(s);
    if (s->data.verb == VERB_EPSV) {
        control_reply_number(s, REPLY_EPSV, a->port);
    } else if (a->family == 4) {
        hostport_text(a, text);
        control_reply_with(s, REPLY_PASV, slice_from(text));
    } else {
        data_close(s); /* the listener's address is IPv6; only the client's
                          connection to the proxy is IPv4 */
        control_reply(s, REPLY_USE_EPSV);
    }
}

/* First closes connections that came before the reply to this EPSV: they belong
 * to an earlier EPSV. rclone gives up a connection when its LIST is refused,
 * and sends EPSV again at once. A connection that comes later counts for this
 * EPSV, since the session can't see that it is older. */
void data_port_passive(struct session *s, enum verb verb)
{
    data_close(s);
    s->data.verb = verb;
    s->port.stranger.family = 0;
    for (int i = 0; i < PORT_SWEEP && s->port.fd >= 0; i++) {
        struct address peer;
        int fd FD_CLEANUP = data_port_accept(s, &peer);

        if (fd < 0)
            break;
        data_port_turn_away(s, &peer);
    }
    if (s->port.fd >= 0)
        data_port_announce(s);
    else
        data_gate_ask_port(s);
}

int data_port_on_port_is(void *owner, struct msg_port_is *m)
{
    struct session *s = owner;
    struct data_port *p = &s->port;
    int asked = control_expects(s, &s->gate,
                                s->data.state == DATA_ASKED &&
                                    m->request == s->data.request);

    if (asked <= 0)
        return asked;
    if (m->proxied && s->via.family == 0)
        return channel_refuse(&s->gate, "a port for connections of a proxy");
    loop_timer_clear(&s->loop, &s->data.timer);
    p->timer =
        (struct loop_timer){ .on_timer = data_port_on_timer, .owner = s };
    p->fd = fd_take(&m->listener);
    p->address = m->address;
    p->bound = m->bound;
    p->proxied = m->proxied;
    if (loop_add_reader(&s->loop, &p->watch, p->fd, data_port_on_readable, s) <
        0) {
        data_port_close(s);
        s->data.state = DATA_CLOSED;
        control_reply_with(s, REPLY_NO_DATA, SLICE("the server is busy"));
    } else {
        data_port_announce(s);
    }
    return 0;
}
