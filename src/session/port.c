/* Where a data connection shall come from: what session asks of gate, for PASV,
 * EPSV, PORT and EPRT. Must never ask more often than gate puts up with,
 * whatever a client's pace. */
#include "data.h"

#include "leave.h"
#include "sallyport/base/clock.h"

static void on_port_late(void *owner)
{
    leave(owner, ENDING_PEER, "gate gave no port in time");
}

static void ask_port(void *owner)
{
    struct session *s = owner;
    struct data *d = &s->data;
    struct packet p = { .message = MSG_PORT };
    int r;

    p.request = d->request = channel_next(&s->gate);
    r = channel_send(&s->gate, &p);
    if (r < 0)
        leave_peer(s, PROCESS_GATE, r, &s->gate);
    d->timer.on_time = on_port_late;
    d->timer.owner = s;
    loop_timer_set(&s->loop, &d->timer, 10000);
}

/* Gate ends a session for its number of messages, which a client's pace must
 * not become: how long its next port has to wait. */
static uint64_t pace(struct data *d)
{
    uint64_t now = clock_ms();

    if (now - d->second >= 1000) {
        d->second = now;
        d->ports = 0;
    }
    return ++d->ports <= DATA_PORTS ? 0 : d->second + 1000 - now;
}

void data_ask_port(struct session *s, enum verb verb)
{
    struct data *d = &s->data;
    uint64_t wait = pace(d);

    data_close(s);
    d->state = DATA_ASKED;
    d->active = false;
    d->verb = verb;
    d->timer.on_time = ask_port;
    d->timer.owner = s;
    if (wait > 0)
        loop_timer_set(&s->loop, &d->timer, wait);
    else
        ask_port(s);
}

void data_await(struct session *s, const struct address *client)
{
    data_close(s);
    s->data.state = DATA_ACTIVE;
    s->data.active = true;
    s->data.told = *client;
}

void data_ask_active(struct session *s)
{
    struct data *d = &s->data;
    struct packet p = { .message = MSG_ACTIVE, .value = { ADDRESS(d->told) } };
    int r;

    if (d->state != DATA_ACTIVE)
        return;
    p.request = d->request = channel_next(&s->gate);
    r = channel_send(&s->gate, &p);
    if (r < 0)
        leave_peer(s, PROCESS_GATE, r, &s->gate);
    d->state = DATA_EXPECTED;
}
