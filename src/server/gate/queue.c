/* The queue of connections that wait for a session. Runs in gate, and never
 * reads a byte of a client. Gate doesn't refuse a client within its limits: the
 * client waits here for its greeting. The size is fixed, each wait has a
 * deadline, and whoever can't begin never stops the others. */
#include "gate.h"

#include <errno.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

static void queue_on_timer(void *owner);

int queue_init(struct gate *g)
{
    struct queue *q = &g->queue;

    TAILQ_INIT(&q->unused);
    TAILQ_INIT(&q->waiting);
    q->timer = (struct loop_timer){ .on_timer = queue_on_timer, .owner = g };
    q->slot = pages_new(LIMIT_QUEUE, sizeof(*q->slot));
    if (!q->slot)
        return -ENOMEM;
    for (size_t i = 0; i < LIMIT_QUEUE; i++)
        TAILQ_INSERT_TAIL(&q->unused, &q->slot[i], next);
    return 0;
}

/* Returns NULL if the client isn't known yet. */
static const struct address *entry_client(const struct accepted *e)
{
    return e->at->proxied ? NULL : &e->peer;
}

static bool queue_known(const struct queued *w)
{
    return w->child || entry_client(&w->entry);
}

/* From now on W counts as a session without a login, since one has ended for
 * it: so the next connection of its network finds it heavier. */
static void queue_pay(struct queued *w)
{
    w->paid = true;
    if (queue_known(w))
        limits_line(&w->gate->limits, LINE_LOGIN, &w->prefixes, 1);
    else
        w->gate->queue.unknown--;
}

/* Takes W out of the queue. The socket is the caller's from now on. If W is a
 * session, it still counts in the limits, since it hasn't ended. */
static struct queued queue_take_out(struct queued *w)
{
    struct gate *g = w->gate;
    struct queued taken = *w;

    limits_line(&g->limits, LINE_QUEUE, &w->prefixes, -1);
    if (w->paid && queue_known(w))
        limits_line(&g->limits, LINE_LOGIN, &w->prefixes, -1);
    if (!w->paid && !queue_known(w))
        g->queue.unknown--;
    if (!w->child) {
        loop_remove(&g->frame.loop, &w->watch);
        limits_count_out(&g->limits, entry_client(&w->entry));
        g->queue.outside--;
        acceptor_hold_back(g);
    }
    TAILQ_REMOVE(&g->queue.waiting, w, next);
    TAILQ_INSERT_HEAD(&g->queue.unused, w, next);
    g->queue.count--;
    return taken;
}

static void queue_drop(struct queued *w)
{
    struct queued taken = queue_take_out(w);

    fd_close(&taken.entry.control);
}

static void queue_refuse(struct queued *w)
{
    struct queued taken = queue_take_out(w);

    if (taken.child)
        child_answered(taken.child,
                       admit_refuse(taken.child, taken.request,
                                    &taken.child->peer, LIMIT_STARTUPS));
    else
        entry_refuse(taken.gate, &taken.entry, LIMIT_STARTUPS);
    fd_close(&taken.entry.control);
}

/* Does W need a place of max_sessions that isn't free? A session has its own.
 */
static bool queue_needs_place(const struct queued *w)
{
    return !w->child && limits_check(&w->gate->limits, 0) != LIMIT_NONE;
}

/* If a reload has lowered max_sessions below the number of sessions, the end of
 * one gives nobody a place. */
static bool queue_overfull(const struct gate *g)
{
    return g->limits.total > g->limits.max_sessions;
}

static void queue_begin(struct queued *w)
{
    struct queued taken = queue_take_out(w);
    struct gate *g = taken.gate;
    enum limit limit;

    if (taken.child) {
        child_answered(taken.child, admit_begin(taken.child, taken.request));
        return;
    }
    limit = entry_begin(g, &taken.entry);
    if (limit != LIMIT_NONE)
        entry_refuse(g, &taken.entry, limit);
    fd_close(&taken.entry.control);
}

/* May a session end for W? An unknown client can be refused after its header:
 * then its place is free, and the next unknown one waits for this place. */
static bool queue_asks(const struct queued *w, uint64_t now)
{
    const struct gate *g = w->gate;
    const bool after = !queue_known(w) && g->limits.unknown > g->queue.unknown;

    return !w->paid && (w->child || !queue_overfull(g)) &&
           now >= w->asks + (after ? QUEUE_ROOM_MS : 0);
}

/* May W begin? *ROOM is the session that must end first, or NULL. The place of
 * an unknown client isn't one of `startups`. */
static bool queue_may_begin(struct queued *w, uint64_t now,
                            struct gate_child **room)
{
    const bool full =
        queue_known(w) && !w->paid && limits_full(&w->gate->limits);

    *room = NULL;
    if (!full && !queue_needs_place(w))
        return true;
    /* Places become free by themselves while clients log in. If no place
     * becomes free in half a second, a flood fills them. */
    if (!queue_asks(w, now))
        return false;
    *room = children_room(w->gate, &w->prefixes, now);
    if (!*room) /* the search costs as much as `startups` is large */
        w->asks = now + QUEUE_ROOM_MS;
    return *room;
}

/* Does W, which may begin, begin before BEST, which is older? An unknown client
 * weighs nothing, so only its age counts. */
static bool queue_before(const struct queued *w, const struct queued *best)
{
    if (w->paid || best->paid)
        return !best->paid;
    return queue_known(w) && queue_known(best) &&
           limits_before(&w->prefixes, &best->prefixes);
}

/* Chooses among those that may begin, by queue_before(); if equal, the oldest.
 * Sets *ROOM as queue_may_begin() does. */
static struct queued *queue_next(struct gate *g, struct gate_child **room)
{
    const uint64_t now = clock_ms();
    struct queued *w, *best = NULL;
    struct gate_child *makes;

    TAILQ_FOREACH(w, &g->queue.waiting, next)
        if ((!best || queue_before(w, best)) &&
            queue_may_begin(w, now, &makes)) {
            best = w;
            *room = makes;
        }
    return best;
}

static void queue_on_timer(void *owner)
{
    struct gate *g = owner;
    uint64_t now = clock_ms(), most = g->settings.login_timeout;
    struct gate_child *room;
    struct queued *w;
    int i;

    while ((w = TAILQ_FIRST(&g->queue.waiting)) && now >= w->since + most)
        queue_refuse(w);
    for (i = 0; i < QUEUE_ROUND; i++) {
        w = queue_next(g, &room);
        if (!w || g->master_slow)
            break;
        if (room)
            child_kill(room, ENDING_CROWDED);
        if (queue_needs_place(w)) /* until master has reaped ROOM */
            queue_pay(w);
        else
            queue_begin(w);
    }
    if (g->queue.count > 0)
        loop_timer_set(&g->frame.loop, &g->queue.timer,
                       i < QUEUE_ROUND ? QUEUE_LOOK_MS : 0);
    gate_say_shut(g);
}

void queue_wake(struct gate *g)
{
    if (g->queue.count > 0)
        loop_timer_set(&g->frame.loop, &g->queue.timer, 0);
}

static void queue_on_gone(void *owner, uint32_t events)
{
    struct queued *w = owner;
    struct gate *g = w->gate;

    (void)events;
    queue_drop(w);
    gate_say_shut(g);
}

/* Returns the connection in the queue that makes room for N, or NULL. */
static struct queued *queue_room(struct gate *g, const struct prefixes *n)
{
    const uint64_t now = clock_ms(), late = g->settings.login_timeout / 4;
    struct queued *w, *best = NULL;

    TAILQ_FOREACH(w, &g->queue.waiting, next)
        if (limits_makes_room(LINE_QUEUE, &w->prefixes, now >= w->since + late,
                              best ? &best->prefixes : NULL, n))
            best = w;
    return best;
}

/* Takes a slot for a connection of N. If the queue is full, first refuses
 * whoever makes room. Returns NULL if nobody does. */
static struct queued *queue_take_slot(struct gate *g, const struct prefixes *n)
{
    struct queue *q = &g->queue;
    struct queued *w;

    if (TAILQ_EMPTY(&q->unused)) {
        w = queue_room(g, n);
        if (!w)
            return NULL;
        queue_refuse(w);
    }
    w = TAILQ_FIRST(&q->unused);
    TAILQ_REMOVE(&q->unused, w, next);
    TAILQ_INSERT_TAIL(&q->waiting, w, next);
    if (q->count++ == 0)
        loop_timer_set(&g->frame.loop, &q->timer, QUEUE_LOOK_MS);
    return w;
}

enum limit queue_add(struct gate *g, struct accepted *e)
{
    const struct address *client = entry_client(e);
    const uint64_t now = clock_ms();
    struct prefixes n = limits_prefixes(&g->limits, client);
    struct queued *w;

    if (limits_check(&g->limits, 0) != LIMIT_NONE &&
        (queue_overfull(g) || !children_room(g, &n, now)))
        return LIMIT_SESSIONS;
    w = queue_take_slot(g, &n);
    if (!w)
        return LIMIT_STARTUPS;
    limits_count_in(&g->limits, client);
    *w = (struct queued){ .next = w->next,
                          .gate = g,
                          .entry = *e,
                          .prefixes = limits_prefixes(&g->limits, client),
                          .since = now,
                          .asks = now + QUEUE_ROOM_MS };
    if (!client)
        g->queue.unknown++;
    w->watch = (struct loop_watch){ .fd = e->control,
                                    .events = EPOLLRDHUP,
                                    .on_ready = queue_on_gone,
                                    .owner = w };
    limits_line(&g->limits, LINE_QUEUE, &w->prefixes, 1);
    g->queue.outside++;
    acceptor_hold_back(g);
    e->control = -1;
    if (loop_add(&g->frame.loop, &w->watch) < 0)
        queue_refuse(w);
    return LIMIT_NONE;
}

enum limit queue_add_child(struct gate_child *c, uint32_t request)
{
    const uint64_t now = clock_ms();
    struct prefixes n = limits_prefixes(&c->gate->limits, &c->peer);
    struct queued *w = queue_take_slot(c->gate, &n);

    if (!w)
        return LIMIT_STARTUPS;
    *w = (struct queued){ .next = w->next,
                          .gate = c->gate,
                          .entry.control = -1,
                          .child = c,
                          .request = request,
                          .prefixes = n,
                          .since = now,
                          .asks = now + QUEUE_ROOM_MS };
    limits_line(&c->gate->limits, LINE_QUEUE, &n, 1);
    return LIMIT_NONE;
}

void queue_leave(struct gate_child *c)
{
    struct queued *w;

    TAILQ_FOREACH(w, &c->gate->queue.waiting, next)
        if (w->child == c) {
            queue_drop(w);
            gate_say_shut(c->gate);
            return;
        }
}

void queue_close(struct gate *g)
{
    struct queued *w, *next;

    for (w = TAILQ_FIRST(&g->queue.waiting); w; w = next) {
        next = TAILQ_NEXT(w, next);
        if (!w->child)
            queue_drop(w);
    }
}

void queue_release(struct gate *g)
{
    struct queue *q = &g->queue;

    if (q->slot)
        queue_close(g);
    loop_timer_clear(&g->frame.loop, &q->timer);
    pages_free(q->slot, LIMIT_QUEUE, sizeof(*q->slot));
    q->slot = NULL;
}
