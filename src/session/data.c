/* The data connection of a session. Gate owns the listeners: it tells the port,
 * checks who connects, and passes the socket. */
#include "data.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "binding.h"
#include "control.h"
#include "leave.h"
#include "linger.h"
#include "login.h"
#include "proxied.h"
#include "sallyport/base/fd.h"
#include "sallyport/ftp/hostport.h"

#define DATA_BUFFER (512u << 10)
#define REFUSED_MS  5000

/* The beginning of a handshake, which nobody will answer; then the end. */
static void refused_data_ready(struct session *s)
{
    if (!linger_drain(s->data.fd))
        data_close(s);
}

static void on_data(void *owner, uint32_t events)
{
    struct session *s = owner;

    if (s->data.state == DATA_HEADER)
        proxied_data_ready(s);
    else if (s->data.state == DATA_REFUSED)
        refused_data_ready(s);
    else
        transfer_ready(s, events);
    session_continue(s);
}

void data_drop(struct session *s, enum data_state state)
{
    struct data *d = &s->data;

    loop_timer_clear(&s->loop, &d->timer);
    loop_remove(&s->loop, &d->watch);
    stream_free(d->stream);
    d->stream = NULL;
    fd_close(&d->fd);
    d->doubtful = false;
    d->state = state;
}

void data_close(struct session *s)
{
    enum data_state before = s->data.state;
    bool connected = before == DATA_CONNECTED || before == DATA_REFUSED;
    int fd = connected ? fd_take(&s->data.fd) : -1;
    struct packet p = { .message = MSG_PORT_CLOSE };

    if (fd >= 0)
        loop_remove(&s->loop, &s->data.watch);
    data_drop(s, DATA_CLOSED);
    if (fd >= 0)
        linger_begin(s, fd);
    if (before == DATA_ASKED || before == DATA_EXPECTED ||
        before == DATA_HEADER)
        channel_send(&s->gate, &p); /* a dead gate shows at its channel */
}

void data_is_mine(struct session *s)
{
    struct packet p = { .message = MSG_DATA_MINE };

    if (s->data.doubtful)
        channel_send(&s->gate, &p);
    s->data.doubtful = false;
}

bool data_is_foreign(struct session *s)
{
    struct packet p = { .message = MSG_DATA_FOREIGN,
                        .value = { ADDRESS(s->data.via),
                                   NUMBER(FOREIGN_USER) } };

    if (!s->data.doubtful || s->data.state != DATA_CONNECTED)
        return false;
    data_close(s);
    s->data.state = DATA_EXPECTED;
    channel_send(&s->gate, &p);
    return true;
}

void data_end(struct session *s)
{
    if (s->data.stream)
        stream_shutdown(s->data.stream); /* as far as it goes */
    data_close(s);
}

static void on_refused_late(void *owner)
{
    data_close(owner);
}

void data_refuse(struct session *s)
{
    struct data *d = &s->data;

    if (d->state != DATA_CONNECTED)
        return;
    loop_remove(&s->loop, &d->watch); /* it may have been, see transfer.c */
    d->state = DATA_REFUSED;
    d->watch.events = EPOLLIN;
    if (loop_add(&s->loop, &d->watch) < 0) {
        data_close(s);
        return;
    }
    d->timer.on_time = on_refused_late;
    d->timer.owner = s;
    loop_timer_set(&s->loop, &d->timer, REFUSED_MS);
}

void data_end_refused(struct session *s)
{
    if (s->data.state == DATA_REFUSED)
        data_close(s);
}

/* A file that goes out as it is: nothing is left for this process to do with
 * its bytes. */
static bool suits_kernel(const struct session *s)
{
    return s->settings->ktls && s->transfer.verb == VERB_RETR &&
           s->transfer.conversions == 0;
}

bool data_open_stream(struct session *s)
{
    struct data *d = &s->data;

    d->stream = stream_plain(d->fd, DATA_BUFFER);
    return d->stream && stream_secure(d->stream, s->tls, STREAM_DATA) == 0 &&
           (!suits_kernel(s) || stream_let_kernel(d->stream) == 0);
}

/* Many clients begin the handshake before they ask for the file, so a ticket
 * with the 150 is too late for them: when the last one has expired, or went
 * with a transfer that was refused, this is the one that they need. */
static void tell_port(struct session *s)
{
    char text[HOSTPORT_MAX];

    binding_offer(s);
    if (s->data.verb == VERB_PASV && s->data.told.family != 4) {
        data_close(s); /* ours is IPv6, whatever the client's is to a proxy */
        control_reply(s, REPLY_USE_EPSV);
        return;
    }
    if (s->data.verb == VERB_PASV) {
        hostport_text(&s->data.told, text);
        control_reply_with(s, REPLY_PASV, slice_from(text), NOTHING);
        return;
    }
    snprintf(text, sizeof(text), "%u", s->data.told.port);
    control_reply_with(s, REPLY_EPSV, slice_from(text), NOTHING);
}

static bool is_mine(struct session *s, const struct packet *p)
{
    if (s->data.state == DATA_ASKED && p->request == s->data.request)
        return true;
    s->gate.wrong = "a port that was not asked for";
    return false;
}

static int on_port_is(void *owner, struct packet *p)
{
    struct session *s = owner;

    if (!is_mine(s, p))
        return -EPROTO;
    loop_timer_clear(&s->loop, &s->data.timer);
    s->data.state = DATA_EXPECTED;
    s->data.told = p->value[0].address;
    tell_port(s);
    return 0;
}

static int on_port_none(void *owner, struct packet *p)
{
    struct session *s = owner;
    const struct port_range *r = &s->settings->ports;
    char text[48];

    if (!is_mine(s, p))
        return -EPROTO;
    loop_timer_clear(&s->loop, &s->data.timer);
    s->data.state = DATA_CLOSED;
    if (r->automatic)
        snprintf(text, sizeof(text), "auto %u", r->automatic);
    else
        snprintf(text, sizeof(text), "%u-%u", r->first, r->last);
    control_reply_with(s, REPLY_NO_PORT, slice_from(text), NOTHING);
    return 0;
}

/* What a client's host says, in words that no client can choose. */
static const char *why_not(uint64_t error)
{
    if (error == ECONNREFUSED)
        return "your host refuses it";
    return error == ETIMEDOUT ? "your host doesn't answer"
                              : "your host can't be reached";
}

/* One that has crossed our PORT_CLOSE is of no interest any more. */
static int on_active_none(void *owner, struct packet *p)
{
    struct session *s = owner;
    const char *why = why_not(p->value[0].number);

    if (s->data.state != DATA_EXPECTED || !s->data.active ||
        p->request != s->data.request)
        return 0;
    s->data.state = DATA_CLOSED;
    transfer_unconnected(s, why);
    return 0;
}

bool data_adopt(struct session *s, int fd, enum data_state state,
                uint32_t events)
{
    struct data *d = &s->data;

    d->fd = fd;
    d->state = state;
    fd_set_nonblock(fd, true);
    d->watch = (struct loop_watch){
        .fd = fd, .events = events, .on_ready = on_data, .owner = s
    };
    if (loop_add(&s->loop, &d->watch) == 0)
        return true;
    data_close(s);
    return false;
}

/* One that comes when nobody is expected any more, or another one is, crossed
 * our PORT_CLOSE. */
static int on_socket(void *owner, struct packet *p)
{
    struct session *s = owner;
    struct data *d = &s->data;

    if (d->state != DATA_EXPECTED || (d->active && p->request != d->request)) {
        linger_begin(s, fd_take(&p->fd[0]));
        return 0;
    }
    if (!address_same_host(&p->value[0].address, &s->peer)) {
        s->gate.wrong = "a data connection from another host";
        return -EPROTO;
    }
    d->doubtful = p->value[1].number != 0;
    d->via = p->value[0].address;
    if (data_adopt(s, fd_take(&p->fd[0]), DATA_CONNECTED, 0))
        transfer_connected(s);
    return 0;
}

/* Gate has refused it and logged it; the right one is still awaited. */
static int on_wrong(void *owner, struct packet *p)
{
    (void)owner;
    (void)p;
    return 0;
}

static const struct handler from_gate[] = {
    { MSG_PORT_IS, on_port_is },
    { MSG_PORT_NONE, on_port_none },
    { MSG_ACTIVE_NONE, on_active_none },
    { MSG_DATA, on_socket },
    { MSG_DATA_WRONG, on_wrong },
    { MSG_KEPT_OUT, proxied_on_kept_out },
    { MSG_DATA_PROXIED, proxied_on_data },
    { MSG_TICKET_KEYS, login_on_ticket_keys },
};

static void on_gate(void *owner, uint32_t events)
{
    struct session *s = owner;
    int r = channel_dispatch(&s->gate, from_gate,
                             sizeof(from_gate) / sizeof(from_gate[0]), s);

    (void)events;
    if (r < 0)
        leave_peer(s, PROCESS_GATE, r, &s->gate);
    session_continue(s);
}

void data_start(struct session *s, int gate)
{
    s->data.fd = -1;
    linger_init(s);
    channel_init(&s->gate, gate, PROCESS_SESSION, PROCESS_GATE, PHASE_RUN);
    s->gate_watch = (struct loop_watch){
        .fd = gate, .events = EPOLLIN, .on_ready = on_gate, .owner = s
    };
    if (loop_add(&s->loop, &s->gate_watch) < 0)
        leave(s, ENDING_PEER, "epoll refuses a channel");
}
