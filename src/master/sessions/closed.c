/* "sallyportctl drain": the service takes no new sessions, and each session
 * ends after its transfer, until "drain --off". A reload or a crash changes
 * nothing of that; a restart of the service ends it. Runs in master. */
#include "sessions.h"

#define KEPT_NAME "closed 1"

static void closed_keep(struct master *m)
{
    const char on = m->closed ? 1 : 0;

    succession_keep_bytes(&m->succession, KEPT_NAME, (struct slice){ &on, 1 });
}

static void closed_send(struct master *m)
{
    struct child *gate = children_gate(m);

    if (gate && SEND(&gate->channel, turn_away, 0, .on = m->closed) < 0)
        child_end(gate, "does not read its messages");
}

void closed_set(struct master *m, bool closed)
{
    m->closed = closed;
    closed_keep(m);
    closed_send(m);
    if (closed)
        SESSIONS_EACH(m->sessions, s)
            session_finish(s);
}

void closed_inherit(struct master *m)
{
    char on = 0;

    m->closed =
        succession_inherit_bytes(&m->succession, KEPT_NAME, &on, 1) == 1 && on;
}

void closed_begin(struct master *m)
{
    if (m->closed)
        closed_set(m, true);
}
