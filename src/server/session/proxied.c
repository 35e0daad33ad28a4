/* Reads the PROXY header of connections through a proxy, control and data, in
 * session, before anything else is read. Takes exactly the header off the
 * socket: the bytes after it are the client's, and are read as usual. */
#include "transfer.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "data.h"

/* Peeks at the received bytes first, then takes the bytes of the header. */
static enum proxy_state proxied_read_header(int fd, struct proxy_header *h)
{
    char bytes[512];

    while (h->state == PROXY_MORE) {
        ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
        size_t took = 0;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return PROXY_MORE;
        if (n > 0)
            proxy_take(h, (struct slice){ bytes, (size_t)n }, &took);
        if (n <= 0 || recv(fd, bytes, took, MSG_DONTWAIT) != (ssize_t)took) {
            h->wrong = "cut short";
            h->state = PROXY_BAD;
        }
    }
    return h->state;
}

/* Is this a connection of the proxy itself, such as a health check? Then the
 * header names no client, or the proxy closes the connection without a
 * header. */
static bool proxied_is_check(const struct proxy_header *h)
{
    return h->len == 0 || (h->state == PROXY_DONE && h->client.family == 0);
}

void proxied_ask(struct session *s)
{
    data_gate_sent(s, SEND(&s->gate, admit, channel_next(&s->gate),
                           .client = s->header.client,
                           .server = s->header.server));
}

void proxied_on_control(struct session *s, uint32_t events)
{
    if (s->control.state == CONTROL_HEADER) {
        char cause[80];
        bool check;

        if (proxied_read_header(s->control.fd, &s->header) == PROXY_MORE)
            return;
        check = proxied_is_check(&s->header);
        snprintf(cause, sizeof(cause), "PROXY header: %s", s->header.wrong);
        if (s->header.state != PROXY_DONE)
            leave(s, check ? ENDING_CHECK : ENDING_PROTOCOL,
                  check ? "" : cause);
        if (check) {
            /* Serve the health check, which shows that sessions work. It has no
             * line in the log: a health check can come every second. */
            control_end(s, ENDING_CHECK,
                        s->drain_announced ? REPLY_SHUTTING_DOWN
                                           : REPLY_GREETING,
                        NOTHING);
        } else {
            s->control.state = CONTROL_ENTERING;
            proxied_ask(s);
        }
    } else if (events & (EPOLLHUP | EPOLLERR)) {
        leave(s, ENDING_CLOSED, "before it could enter");
    }
}

/* Master sends `admitted` when gate, master and log have the client's
 * address. */
int proxied_on_admitted(void *owner, struct msg_admitted *m)
{
    struct session *s = owner;
    int asked =
        control_expects(s, &s->master, s->control.state == CONTROL_ENTERING);

    (void)m;
    if (asked <= 0)
        return asked;
    s->control.state = CONTROL_PLAIN;
    s->master.phase = PHASE_GREETED;
    s->peer = s->header.client;
    s->local = s->header.server;
    session_welcome(s);
    return 0;
}

/* Ends the session without a line in the log, since gate has logged the
 * refusal. Doesn't wait for the client's end: the number of sessions with an
 * unknown client is limited, and this session is one of them. */
int proxied_on_not_admitted(void *owner, struct msg_not_admitted *m)
{
    struct session *s = owner;
    int asked =
        control_expects(s, &s->gate, s->control.state == CONTROL_ENTERING);

    if (asked <= 0)
        return asked;
    if (!s->implicit &&
        reply_build(&s->control.out, REPLY_NOT_ADMITTED, &m->why, 1) == 0)
        control_flush(s);
    leave(s, ENDING_KEPT_OUT, "");
}

void proxied_turn_away(struct session *s, const struct address *whose,
                       const char *why)
{
    if (why)
        report_stranger(s, whose, why);
    data_release(s, DATA_EXPECTED);
}

void proxied_on_data_header(struct session *s)
{
    struct data *d = &s->data;

    if (proxied_read_header(d->fd, &s->header) == PROXY_MORE)
        return;
    if (proxied_is_check(&s->header))
        proxied_turn_away(s, &d->via, NULL);
    else if (s->header.state == PROXY_BAD)
        proxied_turn_away(s, &d->via, NO_PROXY_HEADER);
    else if (!address_same_host(&s->header.client, &s->peer))
        proxied_turn_away(s, &s->header.client, "not who is expected");
    else {
        loop_timer_clear(&s->loop, &d->timer);
        loop_change(&s->loop, &d->watch, 0);
        d->state = DATA_CONNECTED;
        loop_change(&s->loop, &s->port.watch, EPOLLIN);
        data_port_idle(s);
        s->port.came = true;
        transfer_run(s, WAITS_CLIENT);
    }
}

void proxied_on_data(struct session *s, int fd, const struct address *peer)
{
    struct data *d = &s->data;

    d->via = *peer;
    s->header = (struct proxy_header){ 0 };
    if (!data_adopt(s, fd, DATA_HEADER, EPOLLIN))
        return;
    /* further connections wait in the kernel until this header is read */
    loop_change(&s->loop, &s->port.watch, 0);
    loop_timer_set(&s->loop, &d->timer, s->settings->connect_timeout);
    proxied_on_data_header(s);
}
