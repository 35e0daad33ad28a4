/* A takeover. Runs in the supervisor, which makes pairs of sockets between two
 * generations, gives each its end, and reads nothing from them. */
#include "sallyport/base/fd.h"
#include "supervisor.h"

/* Returns the newest older generation that can hand over sessions. */
static struct generation *with_gate(struct supervisor *s,
                                    const struct generation *newest)
{
    struct generation *best = NULL;

    for (size_t i = 0; i < GENERATION_PLACES; i++) {
        struct generation *g = &s->generation[i];

        if (g != newest && generation_lives(g) && g->has_gate &&
            (!best || g->number > best->number))
            best = g;
    }
    return best;
}

/* If there is no pair, or one of the two doesn't read, the sessions continue as
 * after their gate's death. */
static void link_gates(struct generation *from, struct generation *to)
{
    int ends[2];

    if (!from || fd_pair(ends) < 0)
        return;
    SEND(&from->channel, step_down, 0, .gate = ends[0]);
    SEND(&to->channel, take_over, 0, .gate = ends[1]);
    fd_close(&ends[0]);
    fd_close(&ends[1]);
}

static void link_masters(struct generation *from, struct generation *to)
{
    int ends[2];

    if (fd_pair(ends) < 0)
        return;
    SEND(&from->channel, successor, 0, .master = ends[0]);
    SEND(&to->channel, predecessor, 0, .generation = from->number,
         .master = ends[1]);
    fd_close(&ends[0]);
    fd_close(&ends[1]);
}

void takeover_begin(struct generation *g)
{
    struct supervisor *s = g->supervisor;

    link_gates(with_gate(s, g), g);
    for (size_t i = 0; i < GENERATION_PLACES; i++) {
        struct generation *old = &s->generation[i];

        if (old == g || !generation_lives(old))
            continue;
        link_masters(old, g);
        if (old->state != GENERATION_OLD && old->has_gate)
            generation_wait(old, s->deadlines.hand_over);
        old->state = GENERATION_OLD;
    }
    SEND(&g->channel, lead, 0);
    g->state = GENERATION_TAKING;
    g->has_gate = true;
    generation_wait(g, s->deadlines.take);
    kept_take(&g->kept, &s->kept);
    kept_release(&s->kept);
    s->kept = g->kept;
    g->kept = (struct kept){ 0 };
}
