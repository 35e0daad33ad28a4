/* What a session does now, for a caller who wants to see it. Master keeps
 * nothing of it: it asks the session, and passes on the answer. For a session
 * of an older generation it asks that session's master. A session may answer
 * late, or never; the caller has a deadline. Runs in master. */
#include "sessions.h"

#define LOOK_OLDER 1 /* s->look: its master was asked, without a number */

bool look_begin(struct session_record *s)
{
    bool asked = s->look != 0;

    if (!session_is_served(s) || (asked && !s->older))
        return session_is_served(s);
    if (s->older) { /* an answer may be lost there: nobody waits for a second */
        s->look = LOOK_OLDER;
        older_order(s, ORDER_LOOK);
        return !asked;
    }
    if (s->channel.phase == PHASE_START) /* its client isn't known yet */
        return false;
    s->look = channel_next(&s->channel);
    if (SEND(&s->channel, look_at, s->look) < 0)
        s->look = 0;
    return s->look != 0;
}

void look_answered(struct session_record *s, struct msg_doing *msg)
{
    struct master *m = s->master;

    s->look = 0;
    msg->serial = s->serial;
    msg->request = 0;
    if (s->look_by_newest)
        session_publish_doing(s, msg);
    s->look_by_newest = false;
    m->hooks.doing(m, msg);
}

int look_on_doing(void *owner, struct msg_doing *msg)
{
    struct session_record *s = owner;

    if (s->look == 0 || msg->request != s->look)
        return channel_refuse(&s->channel, "an answer without a request");
    look_answered(s, msg);
    return 0;
}
