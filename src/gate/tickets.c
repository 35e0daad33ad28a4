/* The keys that seal the tickets of TLS 1.3. In gate: it makes them and
 * exchanges them as often as a ticket's lifetime is long, so that what a key
 * sealed outlives no more than the next one. They lie in memory that a fork
 * doesn't inherit. A session gets them when its user has logged in, and then
 * each later pair. */
#include "tickets.h"

#include <errno.h>

#include "gate.h"
#include "table.h"

void tickets_tell(struct child *c)
{
    const struct ticket_keys *k = c->gate->tickets.keys;
    const struct slice now = { (const char *)&k->now, sizeof(k->now) };
    const struct slice before = { (const char *)&k->before, sizeof(k->before) };
    const struct packet p = { .message = MSG_TICKET_KEYS,
                              .value = { TEXT(now), TEXT(before) } };

    if (c->logged_in && channel_send(&c->channel, &p) == -EAGAIN)
        child_wrong(c, "keys that it doesn't read");
}

static void on_time(void *owner)
{
    struct gate *g = owner;

    ticket_keys_turn(g->tickets.keys);
    loop_timer_set(&g->loop, &g->tickets.timer, g->settings.ticket_lifetime);
    children_each(g, tickets_tell);
}

int tickets_begin(struct gate *g)
{
    g->tickets.timer = (struct loop_timer){ .on_time = on_time, .owner = g };
    g->tickets.keys = table_new(1, sizeof(*g->tickets.keys));
    if (!g->tickets.keys)
        return -ENOMEM;
    ticket_keys_init(g->tickets.keys);
    loop_timer_set(&g->loop, &g->tickets.timer, g->settings.ticket_lifetime);
    return 0;
}

void tickets_release(struct gate *g)
{
    if (g->tickets.keys)
        ticket_keys_wipe(g->tickets.keys);
    table_free(g->tickets.keys, 1, sizeof(*g->tickets.keys));
    g->tickets.keys = NULL;
}
