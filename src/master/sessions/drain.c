/* "sallyportctl drain": the service takes no new sessions, and each session
 * ends after its transfer, until "drain --off". A reload or a crash changes
 * nothing of that; a restart of the service ends it. The board says what the
 * last order was: gate reads it for each client, and the masters share it,
 * since the one that leads may get the order while the next one starts. Runs in
 * master. */
#include "sessions.h"

bool drain_is_on(const struct master *m)
{
    return m->board && board_drains(m->board);
}

/* A session that enters now gets its order by itself. */
void drain_follow(struct master *m)
{
    if (m->state != MASTER_RUNNING)
        return;
    m->drains = drain_is_on(m);
    if (m->drains)
        SESSIONS_EACH(m->sessions, s)
            session_finish(s);
}

void drain_set(struct master *m, bool on)
{
    board_set(&m->board->drains, on);
    drain_follow(m);
}
