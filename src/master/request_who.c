/* "who" and "kick" of sallyportctl, in master: its records of the sessions. It
 * knows nothing of what a session does. */
#include "request_who.h"

#include <string.h>

#include "master.h"

/* So many at a time, since ctl reads nothing while master writes. */
#define WHO_PAGE 64

static bool is_there(const struct session *s)
{
    return s->state != SESSION_FREE && s->state < SESSION_KICKED;
}

static const char *user_of(const struct session *s)
{
    return s->login > 0 ? s->home.user : "";
}

static void tell_one(struct control_peer *p, const struct session *s)
{
    control_tell(p,
                 &(struct packet){
                     .message = MSG_WHO_IS,
                     .value = { NUMBER(s->serial), TEXT(slice_from(user_of(s))),
                                ADDRESS(s->peer), ADDRESS(s->local),
                                NUMBER(s->since), NUMBER(s->login) } });
}

void request_who(struct control_peer *p, uint64_t from)
{
    const struct session_table *t = &p->master->sessions;
    struct packet end = { .message = MSG_WHO_END };
    size_t told = 0, i = from < t->size ? (size_t)from : t->size;

    for (; i < t->size && told < WHO_PAGE; i++)
        if (is_there(&t->all[i])) {
            tell_one(p, &t->all[i]);
            told++;
        }
    end.value[0].number = i < t->size ? i : 0;
    control_answer(p, &end);
}

static bool is_meant(const struct session *s, const struct packet *p)
{
    const struct address *client = &p->value[2].address;

    if (p->value[0].number != 0)
        return s->serial == p->value[0].number;
    if (p->value[1].text.len > 0)
        return slice_equal(slice_from(user_of(s)), p->value[1].text);
    return client->family != 0 && address_same_host(&s->peer, client);
}

size_t request_end_sessions(struct master *m, const struct packet *p)
{
    size_t ended = 0;

    for (size_t i = 0; i < m->sessions.size; i++) {
        struct session *s = &m->sessions.all[i];

        if (!is_there(s) || !is_meant(s, p))
            continue;
        session_kick(s, ENDING_KICKED);
        ended++;
    }
    return ended;
}
