/* The heartbeat, in master: it counts on the board, so that the supervisor sees
 * that it doesn't hang; and it looks whether its gate and its keys count, and
 * ends one that doesn't. */
#include "generations.h"

#include "sessions/sessions.h"

/* Another one takes its place: sessions go on with the next gate, and with the
 * next keys. */
static void heartbeat_look(struct master *m, struct child *c)
{
    pulse_look(&c->pulse, board_get(&c->beat->count), m->deadlines.beat);
    if (c->pulse.silent >= m->deadlines.hang)
        child_end(c, "does not answer");
}

static void heartbeat_on_timer(void *owner)
{
    struct master *m = owner;
    struct child *gate = children_gate(m);
    struct child *keys = children_ready(m, PROCESS_KEYS);
    struct metrics_totals t = gauges_total(m);

    if (gate)
        heartbeat_look(m, gate);
    if (keys)
        heartbeat_look(m, keys);
    if (gate)
        board_set(&m->row->gate, gate->pulse.count);
    board_set(&m->row->sessions, m->sessions->living);
    board_set(&m->row->transfers, t.complete + t.failed);
    board_set(&m->row->master, m->row->master + 1);
    loop_timer_set(&m->loop, &m->heartbeat, m->deadlines.beat);
}

void heartbeat_start(struct master *m)
{
    m->heartbeat =
        (struct loop_timer){ .on_timer = heartbeat_on_timer, .owner = m };
    heartbeat_on_timer(m);
}

void heartbeat_release(struct master *m)
{
    loop_timer_clear(&m->loop, &m->heartbeat);
}
