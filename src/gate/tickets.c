/* The keys that seal the tickets of TLS 1.3. Runs in gate, which makes them,
 * and a new one after each lifetime of a ticket. So a ticket is valid only
 * while its key is one of the newest two. The keys are in memory that a fork
 * doesn't inherit. A session gets them when its user has logged in, and then
 * each later pair. */
#include "tickets.h"

#include <errno.h>
#include <string.h>

#include "gate.h"
#include "sallyport/base/clock.h"
#include "table.h"

struct slice tickets_bytes(const struct ticket_key *k)
{
    return (struct slice){ (const char *)k, sizeof(*k) };
}

void tickets_tell(struct child *c)
{
    const struct ticket_keys *k = c->gate->tickets.keys;

    if (c->logged_in &&
        SEND(&c->channel, ticket_keys, 0, .now = tickets_bytes(&k->now),
             .before = tickets_bytes(&k->before)) == -EAGAIN)
        child_wrong(c, "keys that it doesn't read");
}

/* The first key was made at AT. */
static void tickets_turned(struct gate *g, uint64_t at)
{
    uint64_t now = clock_ms();

    g->tickets.turned = at < now ? at : now;
    at = g->tickets.turned + g->settings.ticket_lifetime;
    loop_timer_set(&g->frame.loop, &g->tickets.timer, at > now ? at - now : 0);
}

static void tickets_on_time(void *owner)
{
    struct gate *g = owner;

    ticket_keys_turn(g->tickets.keys);
    tickets_turned(g, clock_ms());
    children_each(g, tickets_tell);
}

void tickets_adopt(struct gate *g, const struct msg_tickets *m)
{
    struct ticket_keys *k = g->tickets.keys;

    memcpy(&k->now, m->now.ptr, sizeof(k->now));
    memcpy(&k->before, m->before.ptr, sizeof(k->before));
    tickets_turned(g, m->turned);
    children_each(g, tickets_tell);
}

int tickets_begin(struct gate *g)
{
    struct tickets *t = &g->tickets;

    t->timer = (struct loop_timer){ .on_time = tickets_on_time, .owner = g };
    t->keys = table_new(1, sizeof(*t->keys));
    if (!t->keys)
        return -ENOMEM;
    ticket_keys_init(t->keys);
    tickets_turned(g, clock_ms());
    return 0;
}

void tickets_release(struct gate *g)
{
    if (g->tickets.keys)
        ticket_keys_wipe(g->tickets.keys);
    table_free(g->tickets.keys, 1, sizeof(*g->tickets.keys));
    g->tickets.keys = NULL;
}
