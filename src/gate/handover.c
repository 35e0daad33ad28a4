/* Hands the sessions over to the next gate. Runs in gate. It waits for the next
 * gate, a few seconds at most, since nothing may change here meanwhile:
 * messages of sessions wait in their channels, and new connections in the
 * kernel. Everything stays open here until the end, so nothing is lost if the
 * next gate fails. */
#include "handover.h"

#include <errno.h>
#include <poll.h>

#include "gate.h"
#include "sallyport/base/clock.h"
#include "sallyport/ipc/generation.h"
#include "tell.h"

struct handover {
    struct gate *gate;
    struct channel next;
    uint64_t end;
};

/* As SEND() to the next gate, but it waits. */
#define PASS(h, name, ...)                                                     \
    channel_send_by(&(h)->next, MSG_##name,                                    \
                    MESSAGE_BODY(name, 0 __VA_OPT__(, ) __VA_ARGS__),          \
                    (h)->end)

static int pass_tickets(struct handover *h)
{
    const struct tickets *t = &h->gate->tickets;

    return PASS(h, tickets, .now = tickets_bytes(&t->keys->now),
                .before = tickets_bytes(&t->keys->before), .turned = t->turned);
}

static int pass_port(struct handover *h, const struct child *c)
{
    const struct pair *pair = c->pair;
    int r = PASS(h, heir_port, .serial = c->serial,
                 .port = pair->port->acceptor.bound, .until = pair->until,
                 .judges = pair->given || pair->port->offered,
                 .tries = pair->tries);

    for (size_t i = 0; r == 0 && i < pair->parked_count; i++)
        r = PASS(h, heir_parked, .serial = c->serial,
                 .peer = pair->parked[i].peer,
                 .connection = pair->parked[i].fd);
    return r;
}

static int pass_child(struct handover *h, const struct child *c)
{
    int r =
        PASS(h, heir, .serial = c->serial, .user = c->user, .peer = c->peer,
             .local = c->local, .server = c->server, .logged_in = c->logged_in,
             .proxied = c->proxied, .known = c->known, .born = c->born,
             .until = c->logged_in ? c->heard + c->silence_ms : c->timer.at,
             .silence = c->silence_ms, .admit = queue_request(c),
             .session = c->channel.fd);

    if (r == 0 && c->pair)
        r = pass_port(h, c);
    if (r == 0 && c->active.fd >= 0)
        r = PASS(h, heir_active, .serial = c->serial,
                 .asked = c->active.request, .to = c->active.to,
                 .until = c->active.timer.at, .connection = c->active.fd);
    return r;
}

/* Sessions without a channel are ending; master handles them. */
static int pass_children(struct handover *h)
{
    const struct children *t = &h->gate->children;
    int r = 0;

    for (size_t i = 0; r == 0 && i < t->size; i++)
        if (t->slot[i].gate && t->slot[i].channel.fd >= 0)
            r = pass_child(h, &t->slot[i]);
    return r;
}

static int pass_rests(struct handover *h, const struct pair_queue *queue)
{
    uint64_t now = clock_ms();
    const struct pair *p;
    int r = 0;

    TAILQ_FOREACH(p, queue, in_time)
        for (size_t i = 0; r == 0 && i < EXPECT_LEAVERS; i++)
            if (p->leaver[i].until > now)
                r = PASS(h, resting, .client = p->client,
                         .port = p->port->acceptor.bound,
                         .user = p->leaver[i].user, .session = p->session,
                         .until = p->leaver[i].until);
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
            r = PASS(h, queued, .peer = w->entry.peer,
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
    const struct expect *e = &g->passive.expect;
    struct handover h = { .gate = g, .end = clock_ms() + HANDOVER_MS };
    int r;

    channel_init(&h.next, fd, PROCESS_GATE, PROCESS_GATE, PHASE_RUN);
    gate_shut(g);
    r = PASS(&h, hello, .version = GENERATION_VERSION);
    if (r == 0)
        r = pass_tickets(&h);
    if (r == 0)
        r = pass_children(&h);
    if (r == 0)
        r = pass_rests(&h, &e->expected);
    if (r == 0)
        r = pass_rests(&h, &e->resting);
    if (r == 0)
        r = pass_queue(&h);
    if (r == 0)
        r = report_ends(&h);
    if (r == 0)
        r = PASS(&h, over);
    channel_close(&h.next);
    return r;
}
