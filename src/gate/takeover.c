/* A takeover. Runs in gate, in the old one and in the next one.
 *
 * The old gate hands its sessions over. It waits for the next gate, a few
 * seconds at most, since nothing may change here meanwhile: messages of
 * sessions wait in their channels, and new connections in the kernel.
 * Everything stays open here until the end, so nothing is lost if the next gate
 * dies. If that one only hangs, this gate ends all the same: the next one may
 * go on later, and has a part of the sessions already.
 *
 * The next gate adopts them. Until `over`, or the older gate's end, it serves
 * no session, lends no listener, accepts nobody and reads no message of
 * master: it would decide without knowing all sessions. The older gate had
 * another configuration, and perhaps another build. So an entry that doesn't
 * fit is skipped; but each session has a place, since a lower max_sessions is
 * for new ones. An entry that can't be true, or the older gate's end before
 * `over`, ends the takeover: a session that wasn't handed over completely loses
 * its gate. */
#include "gate.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"

struct handover {
    struct gate *gate;
    struct channel next;
    uint64_t end;
};

/* As SEND() to the next gate, but it waits. */
#define HAND_ON(h, name, ...)                                                  \
    channel_send_by(&(h)->next, MSG_##name,                                    \
                    MESSAGE_BODY(name, 0 __VA_OPT__(, ) __VA_ARGS__),          \
                    (h)->end)

static int pass_tickets(struct handover *h)
{
    const struct tickets *t = &h->gate->tickets;

    return HAND_ON(h, tickets, .now = tickets_bytes(&t->keys->now),
                   .before = tickets_bytes(&t->keys->before),
                   .turned = t->turned);
}

static int pass_child(struct handover *h, const struct child *c)
{
    int r = HAND_ON(
        h, moved, .serial = c->serial, .peer = c->peer, .local = c->local,
        .server = c->server, .logged_in = c->logged_in, .proxied = c->proxied,
        .known = c->known, .born = c->born,
        .until = c->logged_in ? c->heard + c->silence_ms : c->timer.at,
        .silence = c->silence_ms, .admit = queue_request(c),
        .session = c->channel.fd);

    if (r == 0 && c->active.fd >= 0)
        r = HAND_ON(h, moved_active, .serial = c->serial,
                    .asked = c->active.request, .to = c->active.to,
                    .until = c->active.timer.at, .connection = c->active.fd);
    return r;
}

static int pass_transfer(struct handover *h, const struct child *c)
{
    const struct pacing *p = &c->pace;

    if (!p->counts && p->request == 0 && p->begin == 0)
        return 0;
    return HAND_ON(h, moved_transfer, .serial = c->serial, .counts = p->counts,
                   .asked = p->request, .upload = p->way == PACE_UP,
                   .begin = p->begin);
}

/* Sessions without a channel are ending. Their own master reaps them, and kills
 * one that stays. */
static int pass_children(struct handover *h,
                         int (*pass)(struct handover *h, const struct child *c))
{
    const struct children *t = &h->gate->children;
    int r = 0;

    for (size_t i = 0; r == 0 && i < t->size; i++)
        if (t->slot[i].gate && t->slot[i].channel.fd >= 0)
            r = pass(h, &t->slot[i]);
    return r;
}

static const struct listener *find_listener(const struct gate *g,
                                            uint64_t index)
{
    for (size_t i = 0; i < g->listeners; i++)
        if (g->listener[i].index == index)
            return &g->listener[i];
    return NULL;
}

static int pass_queue(struct handover *h)
{
    const struct queued *w;
    int r = 0;

    TAILQ_FOREACH(w, &h->gate->queue.waiting, next) {
        const struct listener *l = find_listener(h->gate, w->entry.listener);

        if (r == 0 && !w->child && l)
            r = HAND_ON(h, queued, .peer = w->entry.peer,
                        .listener = l->acceptor.bound,
                        .connection = w->entry.control);
    }
    return r;
}

/* Only this gate knows of the sessions that it has reaped. */
static int report_ends(struct handover *h)
{
    struct pollfd one = { .fd = h->gate->frame.master.fd, .events = POLLOUT };
    int r = children_report(h->gate);

    while (r == -EAGAIN && clock_ms() < h->end) {
        poll(&one, 1, 100);
        r = children_report(h->gate);
    }
    return r;
}

int handover(struct gate *g, int fd)
{
    struct handover h = { .gate = g, .end = clock_ms() + HANDOVER_MS };
    int r;

    channel_init(&h.next, fd, PROCESS_GATE, PROCESS_GATE, PHASE_RUN);
    gate_shut(g);
    r = HAND_ON(&h, hello, .version = GENERATION_VERSION);
    if (r == 0)
        r = pass_tickets(&h);
    if (r == 0)
        r = pass_children(&h, pass_child);
    if (r == 0)
        r = pass_queue(&h);
    if (r == 0)
        r = report_ends(&h);
    if (r == 0)
        r = pass_children(&h, pass_transfer);
    if (r == 0)
        r = HAND_ON(&h, over);
    channel_close(&h.next);
    return r;
}

void adopt_init(struct gate *g)
{
    channel_init(&g->adoption.before, -1, PROCESS_GATE, PROCESS_GATE,
                 PHASE_START);
}

static struct child *find_adopted(struct gate *g, uint64_t serial)
{
    struct child *c = children_find(g, serial);

    return c && c->adopted && c->channel.fd >= 0 ? c : NULL;
}

/* The older gate accepts no more. */
static int adopt_on_hello(void *owner, struct msg_hello *m)
{
    struct gate *g = owner;

    if (m->version != GENERATION_VERSION)
        return channel_refuse(&g->adoption.before,
                              "another version of these messages");
    g->adoption.before.phase = PHASE_RUN;
    return 0;
}

static int adopt_on_tickets(void *owner, struct msg_tickets *m)
{
    tickets_adopt(owner, m);
    return 0;
}

/* Puts the session into the state, and into the counts, that it had at the
 * older gate. */
static void adopt_state(struct child *c, const struct msg_moved *m)
{
    if (m->proxied && m->known) {
        admit_know(c, &m->peer, &m->server);
        if (m->admit == 0) {
            limits_begin_wait(&c->gate->limits, &c->peer);
            child_begin_wait(c);
        }
    }
    c->born = m->born;
    c->logged_in = m->logged_in;
    c->silence_ms = m->silence;
    if (c->logged_in) {
        c->heard = m->until - m->silence;
        child_end_wait(c);
    }
}

/* A request that waits for its answer was made in phase START. */
static void adopt_request(struct child *c, uint32_t request)
{
    enum limit limit;

    c->channel.seen[MSG_admit] = c->known;
    if (!c->known || request == 0)
        return;
    c->channel.phase = PHASE_START;
    limit = queue_add_child(c, request);
    if (limit != LIMIT_NONE)
        admit_refuse(c, request, limit);
}

static void adopt_serve(struct child *c)
{
    if (!c->adopted)
        return;
    tickets_send(c);
    if (c->channel.fd >= 0)
        child_serve(c);
}

static int adopt_on_moved(void *owner, struct msg_moved *m)
{
    struct gate *g = owner;
    uint64_t now = clock_ms();
    struct child *c;

    if (children_find(g, m->serial))
        return channel_refuse(&g->adoption.before, "a session twice");
    if (m->serial == 0 || (!m->known && !m->proxied))
        return channel_refuse(&g->adoption.before,
                              "a session without a serial or a client");
    c = children_add(g, m->serial, &m->peer, &m->local, m->proxied);
    if (!c) {
        g->adoption.skipped++;
        return 0;
    }
    c->adopted = true;
    adopt_state(c, m);
    child_connect(c, fd_take(&m->session));
    loop_timer_set(&g->frame.loop, &c->timer,
                   m->until > now ? m->until - now : 0);
    adopt_request(c, (uint32_t)m->admit);
    return 0;
}

static int adopt_on_moved_transfer(void *owner, struct msg_moved_transfer *m)
{
    struct child *c = find_adopted(owner, m->serial);

    if (c)
        pace_adopt(c, m);
    return 0;
}

static int adopt_on_moved_active(void *owner, struct msg_moved_active *m)
{
    struct child *c = find_adopted(owner, m->serial);

    if (c)
        active_adopt(c, m);
    return 0;
}

/* The connection enters as if it had just been accepted. */
static int adopt_on_queued(void *owner, struct msg_queued *m)
{
    struct gate *g = owner;

    for (size_t i = 0; i < g->listeners; i++) {
        struct listener *l = &g->listener[i];

        if (l->acceptor.bound.port == m->listener.port &&
            address_same_host(&l->acceptor.bound, &m->listener)) {
            entry_enter(&l->acceptor, fd_take(&m->connection), &m->peer);
            break;
        }
    }
    return 0;
}

/* Ends the dispatch. */
static int adopt_on_over(void *owner, struct msg_over *m)
{
    (void)owner;
    (void)m;
    return -ECANCELED;
}

static const struct handler adopt_handlers[] = {
    ON(hello, adopt_on_hello),
    ON(tickets, adopt_on_tickets),
    ON(moved, adopt_on_moved),
    ON(moved_transfer, adopt_on_moved_transfer),
    ON(moved_active, adopt_on_moved_active),
    ON(queued, adopt_on_queued),
    ON(over, adopt_on_over),
};

/* The older gate may have read a request of this session, which would wait for
 * the answer for ever. */
static void adopt_doubt(struct child *c)
{
    if (c->adopted && c->logged_in && !c->pace.moved)
        child_disown(c);
}

/* Serves the sessions that have arrived, and accepts new ones. There is no room
 * for all only if the older build has told no number (PLACES_NAME). */
static void adopt_end(struct gate *g)
{
    struct adoption *a = &g->adoption;

    loop_remove(&g->frame.loop, &a->watch);
    channel_close(&a->before);
    if (a->skipped > 0)
        report_service(g,
                       "sessions of the generation before without room: %zu; "
                       "each ends after its transfer",
                       a->skipped);
    a->skipped = 0;
    children_each(g, adopt_serve);
    gate_watch_master(g);
    gate_open(g);
}

static void adopt_on_readable(void *owner, uint32_t events)
{
    struct gate *g = owner;
    struct channel *before = &g->adoption.before;
    int r = DISPATCH(before, adopt_handlers, g);

    (void)events;
    if (r == 0)
        return;
    if (r != -ECANCELED) {
        report_service(g, "the gate before has not handed over all: %s",
                       r == -EPIPE ? "it has ended" : before->wrong);
        children_each(g, adopt_doubt);
    }
    adopt_end(g);
}

/* If it can't watch the older gate, it would accept beside it. */
void adopt_begin(struct gate *g, int fd)
{
    struct adoption *a = &g->adoption;
    int r;

    channel_init(&a->before, fd, PROCESS_GATE, PROCESS_GATE, PHASE_START);
    gate_watch_master(g);
    r = loop_add_reader(&g->frame.loop, &a->watch, fd, adopt_on_readable, g);
    if (r < 0)
        die(EX_OSERR, "can't watch the gate before: %s", strerror(-r));
}

void adopt_release(struct gate *g)
{
    channel_close(&g->adoption.before);
}
