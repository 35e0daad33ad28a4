/* "sallyportctl drain": the service takes no new sessions, and each session
 * ends after its transfer, until "drain --off". A reload or a crash changes
 * nothing of that; a restart of the service ends it. The masters share what the
 * last order was: the one that leads may get it while the next one starts. Runs
 * in master. */
#include <errno.h>
#include <sys/mman.h>

#include "sessions.h"

int closed_init(struct master *m)
{
    void *p = NULL;
    int r = guesses_map(m->closed_memory, sizeof(*m->closed), &p);

    m->closed = p;
    return r;
}

void closed_release(struct master *m)
{
    if (m->closed)
        munmap(m->closed, sizeof(*m->closed));
    m->closed = NULL;
}

bool closed_is(const struct master *m)
{
    return m->closed && __atomic_load_n(m->closed, __ATOMIC_RELAXED);
}

/* A session that enters before gate has it gets its order by itself. */
void closed_send(struct master *m)
{
    struct child *gate = children_gate(m);
    const enum turning why = closed_is(m)       ? TURN_DRAIN
                             : reach_is_away(m) ? TURN_AWAY
                                                : TURN_NOBODY;
    int r;

    if (!gate || m->turns_away == why)
        return;
    r = SEND(&gate->channel, turn_away, 0, .why = why);
    if (r == 0)
        m->turns_away = why;
    else if (r == -EAGAIN)
        child_wait_writable(gate);
}

void closed_follow(struct master *m)
{
    if (m->state != MASTER_RUNNING)
        return;
    closed_send(m);
    if (closed_is(m))
        SESSIONS_EACH(m->sessions, s)
            session_finish(s);
}

void closed_set(struct master *m, bool closed)
{
    __atomic_store_n(m->closed, closed, __ATOMIC_RELAXED);
    closed_follow(m);
}
