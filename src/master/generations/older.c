/* See older.h. A link that breaks a rule is closed. Its sessions are then the
 * business of their own master alone. Runs in master. */
#include "older.h"

#include <errno.h>
#include <string.h>

#include "core/master.h"
#include "sallyport/base/fd.h"
#include "sessions/access.h"

static int older_on_hello(void *owner, struct msg_hello *msg)
{
    return link_greeted(&((struct older *)owner)->link, msg);
}

static struct session *older_find(struct older *o, uint64_t serial)
{
    struct session *s = sessions_find(o->master->sessions, serial);

    return s && s->older == o && s->state != SESSION_ENDED ? s : NULL;
}

static struct session *older_take(struct older *o, uint64_t serial)
{
    struct master *m = o->master;
    struct session *s = sessions_take(m->sessions, serial);

    if (!s)
        return NULL;
    s->master = s->home.master = m;
    s->state = SESSION_OLDER;
    s->older = o;
    return s;
}

/* Returns the session of this generation with the same user that began last. */
static struct session *older_rival(const struct session *s)
{
    struct session_table *t = s->master->sessions;
    struct session *last = NULL;

    for (size_t i = 0; i < t->size; i++) {
        struct session *own = &t->all[i];

        if (!own->older && own->home.pid > 0 && session_is_there(own) &&
            strcmp(own->home.user, s->home.user) == 0 &&
            (!last || own->since > last->since))
            last = own;
    }
    return last;
}

/* The older master applies its own max_per_user to its own sessions. A session
 * that logs in there now is one too many. A session that was logged in before
 * the reload stays; if a session of this generation has logged in meanwhile,
 * that one goes. */
static void older_judge(struct session *s, bool was_known)
{
    struct master *m = s->master;
    struct session *last = was_known ? s : older_rival(s);

    if (last &&
        sessions_of_user(m->sessions, s->home.user) > m->settings.max_per_user)
        session_kick(last, ENDING_TOO_MANY);
    access_review_one(s);
}

/* Each message has all facts about its session. */
static int older_on_session(void *owner, struct msg_older_session *msg)
{
    struct older *o = owner;
    struct session *s = older_find(o, msg->serial);
    bool was_known = s != NULL, was_logged_in = s && s->login > 0;

    if (!s && sessions_find(o->master->sessions, msg->serial))
        return channel_refuse(&o->link.channel,
                              "a session of another generation");
    if (!s)
        s = older_take(o, msg->serial);
    if (!s) /* the table is full, as it was for gate */
        return 0;
    if (slice_copy(msg->user, s->home.user, sizeof(s->home.user)) < 0)
        return channel_refuse(&o->link.channel, "a name that is too long");
    s->peer = msg->peer;
    s->local = msg->local;
    s->since = msg->since;
    s->login = msg->login;
    s->number = msg->number;
    s->version = msg->version;
    if (s->login == 0)
        return 0;
    session_add_news(s, NEWS_LOGGED_IN);
    sessions_tell(o->master);
    if (was_logged_in)
        access_review_one(s);
    else
        older_judge(s, was_known);
    return 0;
}

static int older_on_gone(void *owner, struct msg_older_gone *msg)
{
    struct older *o = owner;
    struct session *s = older_find(o, msg->serial);

    if (!s)
        return 0;
    s->status = (int)msg->status;
    session_forget_news(s);
    session_add_news(s, NEWS_GONE);
    session_end(s);
    sessions_tell(o->master);
    return 0;
}

static const struct handler older_handlers[] = {
    ON(hello, older_on_hello),
    ON(older_session, older_on_session),
    ON(older_gone, older_on_gone),
};

static int older_send(struct older *o, struct session *s,
                      enum session_order order)
{
    if (order == ORDER_PEER)
        return SEND(&o->link.channel, older_peer, 0, .serial = s->serial,
                    .peer = s->peer);
    if (order == ORDER_KICK)
        return SEND(&o->link.channel, older_kick, 0, .serial = s->serial,
                    .why = s->why);
    return SEND(&o->link.channel, older_kill, 0, .serial = s->serial);
}

static int older_send_all(struct older *o, struct session *s)
{
    static const enum session_order order[] = { ORDER_PEER, ORDER_KICK,
                                                ORDER_KILL };
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof(order) / sizeof(order[0]); i++) {
        if (!(s->orders & order[i]))
            continue;
        r = older_send(o, s, order[i]);
        if (r == 0)
            s->orders &= ~(unsigned)order[i];
    }
    return r;
}

/* Orders that the link can't take now are sent later. */
static void older_flush(struct older *o)
{
    int r = 0;

    SESSIONS_EACH(o->master->sessions, s)
        if (r == 0 && s->older == o)
            r = older_send_all(o, s);
    link_sent(&o->link, r);
}

void older_order(struct session *s)
{
    if (older_send_all(s->older, s) == -EAGAIN)
        link_sent(&s->older->link, -EAGAIN);
}

/* Gate notices the end of these sessions by their channels. */
static void older_end(struct older *o)
{
    if (o->link.channel.fd < 0)
        return;
    link_close(&o->link);
    SESSIONS_EACH(o->master->sessions, s)
        if (s->older == o) {
            session_forget_news(s);
            session_end(s);
            session_settle(s); /* also one that had ended with news for gate */
            s->older = NULL;
        }
}

static void older_on_ready(void *owner, uint32_t events)
{
    struct older *o = owner;
    int r = DISPATCH(&o->link.channel, older_handlers, o);

    if (r == -EPROTO)
        master_report(o->master, EVENT_PEER, PROCESS_MASTER,
                      "generation %llu: %s", (unsigned long long)o->generation,
                      o->link.channel.wrong);
    if (r < 0)
        older_end(o);
    else if (events & EPOLLOUT)
        older_flush(o);
}

void older_init(struct master *m)
{
    for (size_t i = 0; i < OLDER_MAX; i++) {
        m->older[i] = (struct older){ .master = m };
        link_init(&m->older[i].link, &m->loop);
    }
}

static struct older *older_free(struct master *m)
{
    for (size_t i = 0; i < OLDER_MAX; i++)
        if (m->older[i].link.channel.fd < 0)
            return &m->older[i];
    return NULL;
}

void older_add(struct master *m, uint64_t generation, int fd)
{
    struct older *o = older_free(m);

    if (!o) {
        fd_close(&fd);
        return;
    }
    o->generation = generation;
    if (link_open(&o->link, fd, older_on_ready, o) < 0)
        older_end(o);
}

void older_release(struct master *m)
{
    for (size_t i = 0; i < OLDER_MAX; i++)
        older_end(&m->older[i]);
}
