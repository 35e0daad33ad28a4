/* The queue of connections that wait for a session. Runs in gate, and never
 * reads a byte of a client. Gate doesn't refuse a client within its limits: the
 * client waits here for its greeting. The size is fixed, each wait has a
 * deadline, and an address with many connections delays only itself. */
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

static const struct address *queued_peer(const struct queued *w)
{
    return w->child ? &w->child->peer : &w->entry.peer;
}

/* Takes W out of the queue. The socket is the caller's from now on. If W is a
 * session, it still counts in the limits, since it hasn't ended. */
static struct queued queue_take_out(struct queued *w)
{
    struct gate *g = w->gate;
    struct queued taken = *w;

    if (!w->child) {
        loop_remove(&g->frame.loop, &w->watch);
        limits_count_out(&g->limits, &w->entry.peer);
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

static void queue_begin(struct queued *w)
{
    struct queued taken = queue_take_out(w);
    struct gate *g = taken.gate;
    enum limit limit;

    if (taken.child) {
        child_answered(taken.child, admit_begin(taken.child, taken.request));
        return;
    }
    limit = limits_check(&g->limits);
    if (limit == LIMIT_NONE)
        limit = entry_begin(g, &taken.entry);
    if (limit != LIMIT_NONE)
        entry_refuse(g, &taken.entry, limit);
    fd_close(&taken.entry.control);
}

/* Chooses the network with the fewest sessions without a login; if several
 * networks have as few, chooses among them the network with the fewest
 * connections. Returns the connection of this network that has waited longest,
 * or NULL if the queue is empty. */
static struct queued *queue_next(struct gate *g)
{
    struct queued *w, *best = NULL;
    uint64_t waiting = UINT64_MAX, crowd = UINT64_MAX;

    TAILQ_FOREACH(w, &g->queue.waiting, next) {
        uint64_t n = limits_waiting(&g->limits, queued_peer(w));
        uint64_t all = limits_of_network(&g->limits, queued_peer(w));

        if (n > waiting || (n == waiting && all >= crowd))
            continue;
        waiting = n;
        crowd = all;
        best = w;
    }
    return best;
}

static void queue_on_timer(void *owner)
{
    struct gate *g = owner;
    uint64_t now = clock_ms(), most = g->settings.login_timeout;
    struct queued *w;

    while ((w = TAILQ_FIRST(&g->queue.waiting)) && now >= w->since + most)
        queue_refuse(w);
    for (int i = 0; i < QUEUE_ROUND; i++) {
        w = queue_next(g);
        if (!w || g->master_slow)
            break;
        /* Places become free by themselves while clients log in. If no place
         * becomes free in half a second, a flood fills them. */
        if (limits_full(&g->limits) && (clock_ms() < w->since + QUEUE_ROOM_MS ||
                                        !children_evict_one(g, queued_peer(w))))
            break;
        queue_begin(w);
    }
    if (g->queue.count > 0)
        loop_timer_set(&g->frame.loop, &g->queue.timer,
                       g->master_slow || limits_full(&g->limits) ? QUEUE_LOOK_MS
                                                                 : 0);
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

/* Returns the last connection of the network with the most connections. */
static struct queued *queue_heaviest(struct gate *g)
{
    struct queued *w, *worst = NULL;
    uint64_t most = 0;

    TAILQ_FOREACH(w, &g->queue.waiting, next) {
        uint64_t n = limits_of_network(&g->limits, queued_peer(w));

        if (n >= most) {
            worst = w;
            most = n;
        }
    }
    return worst;
}

/* Takes a slot for a connection of PEER. If the queue is full, first refuses
 * the last connection of the network with the most connections. Returns NULL if
 * no other network has at least two connections more than PEER's network. */
static struct queued *queue_take_slot(struct gate *g,
                                      const struct address *peer)
{
    struct queue *q = &g->queue;
    struct queued *w;

    if (TAILQ_EMPTY(&q->unused)) {
        struct queued *last = queue_heaviest(g);

        if (limits_of_network(&g->limits, queued_peer(last)) <=
            limits_of_network(&g->limits, peer) + 1)
            return NULL;
        queue_refuse(last);
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
    struct queued *w = queue_take_slot(g, &e->peer);

    if (!w)
        return LIMIT_STARTUPS;
    *w = (struct queued){
        .next = w->next, .gate = g, .entry = *e, .since = clock_ms()
    };
    w->watch = (struct loop_watch){ .fd = e->control,
                                    .events = EPOLLRDHUP,
                                    .on_ready = queue_on_gone,
                                    .owner = w };
    limits_count_in(&g->limits, &e->peer);
    e->control = -1;
    if (loop_add(&g->frame.loop, &w->watch) < 0)
        queue_refuse(w);
    return LIMIT_NONE;
}

enum limit queue_add_child(struct gate_child *c, uint32_t request)
{
    struct queued *w = queue_take_slot(c->gate, &c->peer);

    if (!w)
        return LIMIT_STARTUPS;
    *w = (struct queued){ .next = w->next,
                          .gate = c->gate,
                          .entry.control = -1,
                          .child = c,
                          .request = request,
                          .since = clock_ms() };
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
