/* "sallyportctl drain": the service takes no new sessions, and each session
 * ends after its transfer, until "drain --off". A reload or a crash changes
 * nothing of that; a restart of the service ends it. The board says what the
 * last order was: gate reads it for each client, and the masters share it,
 * since the one that leads may get the order while the next one starts. Runs in
 * master. */
#include "sessions.h"

bool closed_is(const struct master *m)
{
    return m->board && board_is_closed(m->board);
}

/* A session that enters now gets its order by itself. */
void closed_follow(struct master *m)
{
    if (m->state != MASTER_RUNNING)
        return;
    m->follows_closed = closed_is(m);
    if (m->follows_closed)
        SESSIONS_EACH(m->sessions, s)
            session_finish(s);
}

void closed_set(struct master *m, bool closed)
{
    board_set(&m->board->closed, closed);
    closed_follow(m);
}
