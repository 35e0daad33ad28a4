/* Sessions, in gate: the table of the sessions that gate serves, each from its
 * fork to its end, which master reports. An attacker can control a session:
 * gate answers it, ignores it or has it killed, and never waits for it. */
#include "gate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/random.h"

#define REASON_MAX 256

static void child_on_timer(void *owner);

int children_init(struct gate *g)
{
    struct gate_children *t = &g->children;

    t->size = g->places;
    t->buckets = table_buckets(t->size);
    STAILQ_INIT(&t->unused);
    TAILQ_INIT(&t->waiting);
    t->slot = pages_new(t->size, sizeof(*t->slot));
    t->serial = pages_new(t->buckets, sizeof(*t->serial));
    if (!t->slot || !t->serial) {
        children_release(g);
        return -ENOMEM;
    }
    for (size_t i = 0; i < t->size; i++)
        STAILQ_INSERT_TAIL(&t->unused, &t->slot[i], unused);
    return 0;
}

void children_release(struct gate *g)
{
    struct gate_children *t = &g->children;

    for (size_t i = 0; t->slot && i < t->size; i++)
        if (t->slot[i].gate)
            channel_close(&t->slot[i].channel);
    pages_free(t->slot, t->size, sizeof(*t->slot));
    pages_free(t->serial, t->buckets, sizeof(*t->serial));
    *t = (struct gate_children){ 0 };
}

static struct child_list *children_of_serial(struct gate_children *t,
                                             uint64_t serial)
{
    return &t->serial[serial & (t->buckets - 1)];
}

struct gate_child *children_find(struct gate *g, uint64_t serial)
{
    struct gate_child *c;

    LIST_FOREACH(c, children_of_serial(&g->children, serial), by_serial)
        if (c->serial == serial)
            return c;
    return NULL;
}

/* Takes a place in the table, and sets the members that all kinds of sessions
 * have in common. Returns NULL if no place is free. */
static struct gate_child *children_take(struct gate *g, uint64_t serial,
                                        const struct address *peer)
{
    struct gate_children *t = &g->children;
    struct gate_child *c = STAILQ_FIRST(&t->unused);

    if (!c)
        return NULL;
    STAILQ_REMOVE_HEAD(&t->unused, unused);
    *c = (struct gate_child){ .gate = g,
                              .serial = serial,
                              .peer = *peer,
                              .known = true,
                              .channel.fd = -1 };
    LIST_INSERT_HEAD(children_of_serial(t, serial), c, by_serial);
    return c;
}

static void child_enter(struct gate_child *c, const struct address *local,
                        bool proxied, bool known)
{
    c->local = c->server = *local;
    c->proxied = proxied;
    c->known = known;
    limits_enter(&c->gate->limits, known ? &c->peer : NULL);
    if (known)
        child_begin_wait(c);
}

/* The serial is random, so it reveals nothing about other sessions. It is never
 * 0, which means no session. */
struct gate_child *children_add(struct gate *g, const struct address *peer,
                                const struct address *local, bool proxied)
{
    struct gate_child *c;
    uint64_t serial;

    do
        random_bytes(&serial, sizeof(serial));
    while (serial == 0 || children_find(g, serial));
    c = children_take(g, serial, peer);
    if (c)
        child_enter(c, local, proxied, !proxied);
    return c;
}

/* If the table is full, doesn't count the session. The table is full only for a
 * moment, while more sessions live than the largest max_sessions so far. */
int children_on_elder(void *owner, struct msg_elder *m)
{
    struct gate *g = owner;
    struct gate_child *c = children_find(g, m->serial)
                               ? NULL
                               : children_take(g, m->serial, &m->peer);

    if (!c)
        return 0;
    c->elder = true;
    c->timer = (struct loop_timer){ .on_timer = child_on_timer, .owner = c };
    limits_enter(&g->limits, &m->peer);
    if (m->waits)
        child_begin_wait(c);
    return 0;
}

struct gate_child *children_room(struct gate *g, const struct prefixes *n,
                                 uint64_t now)
{
    const uint64_t late = g->settings.login_timeout / 4;
    struct gate_child *c, *best = NULL;

    TAILQ_FOREACH(c, &g->children.waiting, waiting)
        if (limits_makes_room(LINE_LOGIN, &c->prefixes, now >= c->waits + late,
                              best ? &best->prefixes : NULL, n))
            best = c;
    return best;
}

void child_begin_wait(struct gate_child *c)
{
    c->waits = clock_ms();
    c->prefixes = limits_prefixes(&c->gate->limits, &c->peer);
    limits_line(&c->gate->limits, LINE_LOGIN, &c->prefixes, 1);
    TAILQ_INSERT_TAIL(&c->gate->children.waiting, c, waiting);
}

static void child_end_wait(struct gate_child *c)
{
    if (!c->waits)
        return;
    c->waits = 0;
    TAILQ_REMOVE(&c->gate->children.waiting, c, waiting);
    limits_line(&c->gate->limits, LINE_LOGIN, &c->prefixes, -1);
    queue_wake(c->gate);
}

/* From now on gate sends the session nothing, and reads nothing from it. */
static void child_stop(struct gate_child *c)
{
    queue_leave(c);
    loop_remove(&c->gate->frame.loop, &c->watch);
    loop_timer_clear(&c->gate->frame.loop, &c->pause);
}

void child_discard(struct gate_child *c)
{
    struct gate *g = c->gate;
    bool known = c->known;

    child_stop(c);
    channel_close(&c->channel);
    loop_timer_clear(&g->frame.loop, &c->timer);
    LIST_REMOVE(c, by_serial);
    child_end_wait(c);
    limits_leave(&g->limits, known ? &c->peer : NULL);
    queue_wake(g);
    *c = (struct gate_child){ 0 };
    STAILQ_INSERT_HEAD(&g->children.unused, c, unused);
    if (!known)
        acceptor_hold_back(g);
}

/* The channel stays open until master has reaped the session: otherwise the
 * session could log its end before it is killed. Gate asks again if master
 * couldn't take this message, or the message that announced the session. */
void child_kill(struct gate_child *c, enum ending why)
{
    c->why = why;
    child_end_wait(c);
    child_stop(c);
    int r =
        SEND(&c->gate->frame.master, kill, 0, .serial = c->serial, .why = why);
    loop_timer_set(&c->gate->frame.loop, &c->timer,
                   r == -EAGAIN ? CHILD_RETRY_MS : CHILD_AGAIN_MS);
}

void child_wrong(struct gate_child *c, const char *what)
{
    char peer[ADDRESS_TEXT_MAX], reason[REASON_MAX];
    struct event_record r;

    /* The text has the serial, since gate's channel to log has none. */
    snprintf(reason, sizeof(reason), "%s, serial %016" PRIx64, what, c->serial);
    event_begin(&r, EVENT_PEER);
    event_text(&r, FIELD_PROCESS, slice_from(process_name(PROCESS_SESSION)));
    event_text(&r, FIELD_PEER, slice_from(address_port_text(&c->peer, peer)));
    event_text(&r, FIELD_REASON, slice_from(reason));
    frame_report(&c->gate->frame, &r);
    child_kill(c, ENDING_PEER);
}

void child_answered(struct gate_child *c, int r)
{
    if (r == -EAGAIN)
        child_wrong(c, "doesn't read its answers");
}

/* Asks master to kill a session that doesn't log in before its deadline, or
 * that lives on without its channel: an attacker can control such a session,
 * and would keep its place. */
static void child_on_timer(void *owner)
{
    struct gate_child *c = owner;

    child_kill(c, c->why               ? c->why
                  : c->channel.fd >= 0 ? ENDING_LOGIN_TIME
                                       : ENDING_PEER);
}

/* If another gate is changing the keys, the session gets them after the next
 * look. */
void tickets_send(struct gate_child *c)
{
    struct ticket_keys k;
    const struct slice now = { (const char *)&k.now, sizeof(k.now) },
                       before = { (const char *)&k.before, sizeof(k.before) };
    int r = 0;

    if (c->logged_in && tickets_read(&c->gate->memory->tickets, &k))
        r = SEND(&c->channel, ticket_keys, 0, .now = now, .before = before);
    explicit_bzero(&k, sizeof(k));
    if (r == -EAGAIN)
        child_wrong(c, "doesn't read its ticket keys");
}

void child_logged_in(struct gate_child *c)
{
    if (c->logged_in)
        return;
    c->logged_in = true;
    child_end_wait(c);
    if (c->channel.fd < 0 || c->why)
        return;
    c->channel.phase = PHASE_USER;
    loop_timer_clear(&c->gate->frame.loop, &c->timer);
    loop_change(&c->gate->frame.loop, &c->watch, EPOLLIN);
    tickets_send(c);
}

static void child_on_pause_over(void *owner)
{
    struct gate_child *c = owner;

    loop_change(&c->gate->frame.loop, &c->watch, EPOLLIN);
}

#define SECOND_US UINT64_C(1000000)

/* Reads one message in a turn of the loop. Limits the rate of all messages
 * together, since the cost of a flood depends on their number. After the end of
 * the channel, reads the last messages without a pause: no more will come. */
static void child_on_readable(void *owner, uint32_t events)
{
    struct gate_child *c = owner;
    struct message m;
    int r;

    if (!(events & (EPOLLHUP | EPOLLERR)) &&
        debt_take(&c->messages, SECOND_US / CHILD_MESSAGES, SECOND_US,
                  clock_us()) > 0) {
        loop_change(&c->gate->frame.loop, &c->watch, 0);
        loop_timer_set(&c->gate->frame.loop, &c->pause, CHILD_PAUSE_MS);
        return;
    }
    r = channel_receive(&c->channel, &m);
    if (r > 0)
        r = channel_handle(&c->channel, c->gate->children.handlers,
                           c->gate->children.handler_count, c, &m);
    if (r == 0)
        return;
    if (r == -EPIPE) { /* the session is ending */
        child_stop(c);
        channel_close(&c->channel);
        loop_timer_set(&c->gate->frame.loop, &c->timer, CHILD_GRACE_MS);
        return;
    }
    child_wrong(c,
                r == -EPROTO ? c->channel.wrong : "doesn't read its answers");
}

void child_born(struct gate_child *c, int fd)
{
    c->timer = (struct loop_timer){ .on_timer = child_on_timer, .owner = c };
    c->pause =
        (struct loop_timer){ .on_timer = child_on_pause_over, .owner = c };
    channel_init(&c->channel, fd, PROCESS_GATE, PROCESS_SESSION,
                 c->known ? PHASE_RUN : PHASE_START);
    loop_timer_set(&c->gate->frame.loop, &c->timer,
                   c->gate->settings.login_timeout + CHILD_LATE_MS);
    if (loop_add_reader(&c->gate->frame.loop, &c->watch, fd, child_on_readable,
                        c) < 0)
        child_kill(c, ENDING_PEER);
}

/* There is a place for each session of the gate that has ended. */
int children_on_adopt(void *owner, struct msg_adopt *m)
{
    struct gate *g = owner;
    struct gate_child *c = children_find(g, m->serial)
                               ? NULL
                               : children_take(g, m->serial, &m->peer);

    if (!c)
        return 0;
    child_enter(c, &m->local, m->proxied, m->known);
    c->server = m->server;
    child_born(c, fd_take(&m->session));
    if (m->logged_in)
        child_logged_in(c);
    return 0;
}

int children_on_logged_in(void *owner, struct msg_logged_in *m)
{
    struct gate_child *c = children_find(owner, m->serial);

    if (c)
        child_logged_in(c);
    return 0;
}

/* Counts a session that ended without a login against its client's address,
 * since the session has cost a fork, and perhaps a signature. Never counts it
 * against a proxy. The gate of an older generation counts the sessions of its
 * generation. */
int children_on_reaped(void *owner, struct msg_reaped *m)
{
    struct gate *g = owner;
    struct gate_child *c = children_find(g, m->serial);

    if (!c)
        return 0;
    if (m->fruitless && c->known && !c->elder && g->accepts)
        fruitless_add(&g->memory->fruitless, &c->peer,
                      g->settings.max_fruitless, clock_ms());
    child_discard(c);
    return 0;
}
