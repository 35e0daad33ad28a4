/* The commands "who" and "kick" of sallyportctl, in master. They use master's
 * records of the sessions, and show nothing of what a session does. */
#include "request_who.h"

#include <string.h>

#include "core/master.h"
#include "sessions/session.h"

/* Sessions in one answer, since ctl reads nothing while master writes. */
#define WHO_PAGE 64

static const char *who_user(const struct session *s)
{
    return s->login > 0 ? s->home.user : "";
}

static void who_tell_one(struct peer *p, const struct session *s)
{
    peer_sent(p, SEND(&p->channel, who_is, p->request, .serial = s->serial,
                      .user = slice_from(who_user(s)), .peer = s->peer,
                      .local = s->local, .since = s->since, .login = s->login));
}

void request_who(struct peer *p, uint64_t from)
{
    const struct session_table *t = p->master->sessions;
    size_t told = 0, i = from < t->size ? (size_t)from : t->size;

    for (; i < t->size && told < WHO_PAGE; i++)
        if (session_is_there(&t->all[i])) {
            who_tell_one(p, &t->all[i]);
            told++;
        }
    peer_answered(p, SEND(&p->channel, who_end, p->request,
                          .place = i < t->size ? i : 0));
}

static bool who_is_meant(const struct session *s,
                         const struct msg_end_sessions *msg)
{
    if (msg->serial != 0)
        return s->serial == msg->serial;
    if (msg->user.len > 0)
        return slice_equal(slice_from(who_user(s)), msg->user);
    return msg->client.family != 0 && address_same_host(&s->peer, &msg->client);
}

size_t request_end_sessions(struct master *m,
                            const struct msg_end_sessions *msg)
{
    size_t ended = 0;

    SESSIONS_EACH(m->sessions, s)
        if (session_is_there(s) && who_is_meant(s, msg)) {
            session_kick(s, ENDING_KICKED);
            ended++;
        }
    return ended;
}
