/* Control and data connections that a proxy brings, up to the end of their
 * PROXY header. In a session, before anything else is read of them. Exactly the
 * header is taken off the socket: what follows it is the client's, and TLS or
 * the control channel read it as from any other client. */
#include "proxied.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "control.h"
#include "data.h"
#include "leave.h"
#include "report.h"
#include "sallyport/base/fd.h"

/* Looks first, and then takes what is the header's. */
static enum proxy_state read_header(int fd, struct proxy_header *h)
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

/* The proxy connects for itself, with a header that says so, or only to see
 * whether somebody listens. */
static bool is_check(const struct proxy_header *h)
{
    return h->len == 0 || (h->state == PROXY_DONE && h->client.family == 0);
}

static void ask_gate(struct session *s)
{
    struct packet p = { .message = MSG_ENTER,
                        .value = { ADDRESS(s->header.client),
                                   ADDRESS(s->header.server) } };
    int r;

    p.request = channel_next(&s->gate);
    r = channel_send(&s->gate, &p);
    if (r < 0)
        leave_peer(s, PROCESS_GATE, r, &s->gate);
    s->arrival = ARRIVAL_ASKED;
}

/* A check sees that sessions can be made, and leaves no line in the log: there
 * may be one every second. */
static void end_header(struct session *s)
{
    char cause[80];

    snprintf(cause, sizeof(cause), "PROXY header: %s", s->header.wrong);
    if (is_check(&s->header) && s->header.state == PROXY_DONE)
        control_end(s, ENDING_CHECK, REPLY_GREETING, NOTHING);
    else if (is_check(&s->header))
        leave(s, ENDING_CHECK, "");
    else
        leave(s, ENDING_PROTOCOL, cause);
}

void proxied_ready(struct session *s, uint32_t events)
{
    if (s->arrival == ARRIVAL_HEADER) {
        if (read_header(s->control.fd, &s->header) == PROXY_MORE)
            return;
        if (s->header.state == PROXY_DONE && !is_check(&s->header))
            ask_gate(s);
        else
            end_header(s);
        control_continue(s); /* to wait for something else, or nothing */
    } else if (events & (EPOLLHUP | EPOLLERR)) {
        leave(s, ENDING_CLOSED, "before it could enter");
    }
}

void proxied_begin(struct session *s)
{
    s->via = s->peer;
    s->master.phase = PHASE_START;
    s->arrival = ARRIVAL_HEADER;
    proxy_init(&s->header);
    proxied_ready(s, 0);
    control_continue(s);
}

/* The count that gate keeps, master's record and the log have the client's
 * address by now. */
int proxied_on_entered(void *owner, struct packet *p)
{
    struct session *s = owner;

    (void)p;
    if (s->arrival != ARRIVAL_ASKED) {
        s->master.wrong = "an answer to nothing that was asked";
        return -EPROTO;
    }
    s->arrival = ARRIVED;
    s->master.phase = PHASE_GREETED;
    s->peer = s->header.client;
    s->local = s->header.server;
    session_welcome(s);
    return 0;
}

/* Gate has told the log. */
int proxied_on_kept_out(void *owner, struct packet *p)
{
    struct session *s = owner;

    if (s->arrival != ARRIVAL_ASKED) {
        s->gate.wrong = "an answer to nothing that was asked";
        return -EPROTO;
    }
    control_end(s, ENDING_KEPT_OUT, REPLY_TOO_MANY, p->value[0].text);
    return 0;
}

static void tell_gate(struct session *s, struct packet p)
{
    int r = channel_send(&s->gate, &p);

    if (r < 0)
        leave_peer(s, PROCESS_GATE, r, &s->gate);
}

static void give_back(struct session *s, enum foreign why,
                      const struct address *whose)
{
    data_drop(s, DATA_EXPECTED);
    tell_gate(s, (struct packet){ .message = MSG_DATA_FOREIGN,
                                  .value = { ADDRESS(*whose), NUMBER(why) } });
}

static void on_late(void *owner)
{
    struct session *s = owner;

    give_back(s, FOREIGN_HEADER, &s->data.via);
}

/* It stands in no doubt from here on. */
static void keep(struct session *s)
{
    struct data *d = &s->data;

    loop_timer_clear(&s->loop, &d->timer);
    loop_change(&s->loop, &d->watch, 0);
    d->state = DATA_CONNECTED;
    tell_gate(s, (struct packet){ .message = MSG_DATA_MINE });
    transfer_connected(s);
}

void proxied_data_ready(struct session *s)
{
    struct data *d = &s->data;

    if (read_header(d->fd, &s->header) == PROXY_MORE)
        return;
    if (is_check(&s->header))
        give_back(s, FOREIGN_CHECK, &d->via);
    else if (s->header.state == PROXY_BAD)
        give_back(s, FOREIGN_HEADER, &d->via);
    else if (!address_same_host(&s->header.client, &s->peer))
        give_back(s, FOREIGN_CLIENT, &s->header.client);
    else
        keep(s);
}

/* One that has crossed our PORT_CLOSE is closed with the packet. */
int proxied_on_data(void *owner, struct packet *p)
{
    struct session *s = owner;
    struct data *d = &s->data;

    if (s->via.family == 0) {
        s->gate.wrong = "a data connection of a proxy";
        return -EPROTO;
    }
    if (d->state != DATA_EXPECTED || d->active)
        return 0;
    d->via = p->value[0].address;
    proxy_init(&s->header);
    if (!data_adopt(s, fd_take(&p->fd[0]), DATA_HEADER, EPOLLIN))
        return 0;
    d->timer.on_time = on_late;
    d->timer.owner = s;
    loop_timer_set(&s->loop, &d->timer, s->settings->connect_timeout);
    proxied_data_ready(s);
    return 0;
}
