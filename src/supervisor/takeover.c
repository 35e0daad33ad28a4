/* A takeover. Runs in the supervisor, which makes pairs of sockets between two
 * generations, gives each its end, and reads nothing from them. */
#include <errno.h>
#include <string.h>

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

/* The new gate accepts when the old one says on this channel that it has
 * stopped, or when all copies of the old one's end are closed. So the old end
 * must not be lost while the old gate accepts: a master that doesn't take it is
 * given up. Returns 0, or -errno: there is no pair, or the new master has
 * ended, and nothing has happened. */
static int link_gates(struct generation *from, struct generation *to)
{
    int ends[2], r = fd_pair(ends);

    if (r < 0)
        return r;
    r = SEND(&to->channel, take_over, 0, .gate = ends[1]);
    if (r == 0 && SEND(&from->channel, step_down, 0, .gate = ends[0]) < 0)
        generation_give_up(from, "its master doesn't read its messages");
    fd_close(&ends[0]);
    fd_close(&ends[1]);
    return r;
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
    struct generation *from = with_gate(s, g);
    int r = from ? link_gates(from, g) : 0;

    if (r == -EPIPE) /* its master has ended, and will be reaped */
        return;
    if (r < 0) {
        generation_give_up(g, strerror(-r));
        return;
    }
    for (size_t i = 0; i < GENERATION_PLACES; i++) {
        struct generation *old = &s->generation[i];

        if (old == g || !generation_lives(old))
            continue;
        link_masters(old, g);
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

/* The old gate hasn't stopped, and its master, which would have killed it by
 * now, hangs too; or it has stopped, and the new generation hangs. */
void takeover_on_time(struct generation *g)
{
    struct generation *old = with_gate(g->supervisor, g);

    if (!old) {
        generation_give_up(g, "it has not taken over in time");
        return;
    }
    generation_give_up(old, "its gate has not stopped in time");
    generation_wait(g, g->supervisor->deadlines.take);
}
