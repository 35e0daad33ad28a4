/* The links between the masters of two generations. The newest master has one
 * to each older master, and a record for each of its sessions; an older one
 * reports the news of its sessions, and obeys orders. The master at the other
 * end may be of another build. Runs in master. */
#include "sessions.h"

#include <errno.h>
#include <string.h>

#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"

void link_init(struct link *l, struct loop *loop)
{
    *l = (struct link){ .loop = loop };
    channel_init(&l->channel, -1, PROCESS_MASTER, PROCESS_MASTER, PHASE_START);
}

/* Takes FD and sends `hello` on it. Returns 0 or -errno. */
static int link_open(struct link *l, int fd,
                     void (*on_ready)(void *owner, uint32_t events),
                     void *owner)
{
    int r;

    channel_init(&l->channel, fd, PROCESS_MASTER, PROCESS_MASTER, PHASE_START);
    r = loop_add_reader(l->loop, &l->watch, fd, on_ready, owner);
    return r < 0 ? r
                 : SEND(&l->channel, hello, 0, .version = GENERATION_VERSION);
}

void link_close(struct link *l)
{
    loop_remove(l->loop, &l->watch);
    channel_close(&l->channel);
}

/* Handler of `hello`. Returns 0, or -EPROTO for another version. */
static int link_greeted(struct link *l, const struct msg_hello *msg)
{
    if (msg->version != GENERATION_VERSION)
        return channel_refuse(&l->channel, "messages of another version");
    l->channel.phase = PHASE_RUN;
    return 0;
}

/* R is the result of the last SEND() on the link. After -EAGAIN ON_READY is
 * called when the link takes more. */
static void link_sent(struct link *l, int r)
{
    loop_change(l->loop, &l->watch,
                r == -EAGAIN ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* The older generations. A link that breaks a rule is closed. Its sessions are
 * then the business of their own master alone. */

static int older_on_hello(void *owner, struct msg_hello *msg)
{
    struct older *o = owner;

    closed_follow(o->master);
    return link_greeted(&o->link, msg);
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
    s->master = m;
    s->state = SESSION_OLDER;
    s->older = o;
    return s;
}

/* Returns the session of this generation in that account that began last. */
static struct session *older_rival(const struct session *s, uint64_t number)
{
    struct session_table *t = s->master->sessions;
    struct session *last = NULL;

    for (size_t i = 0; i < t->size; i++) {
        struct session *own = &t->all[i];

        if (!own->older && own->home.pid > 0 && session_is_served(own) &&
            session_is_in(own, number) && (!last || own->since > last->since))
            last = own;
    }
    return last;
}

/* A session that we know without a user logs in now: if it is one too many, it
 * is kicked. A session whose first report has a user was logged in before the
 * reload: it stays, and the newest session of this generation is kicked
 * instead. */
static void older_judge(struct session *s, bool was_known)
{
    for (size_t i = 0; i < s->limits.accounts; i++) {
        const struct account *a = &s->limits.account[i];
        struct session *last = s;

        while (last && session_is_served(s) && access_is_full(s, a)) {
            last = was_known ? s : older_rival(s, a->number);
            if (last)
                session_kick(last, ENDING_TOO_MANY);
        }
    }
    access_review_one(s);
}

/* No record is free. A session that is in no list would outlive its user's
 * lock. So it ends after its transfer. */
static int older_refuse(struct older *o, uint64_t serial)
{
    master_report(o->master, EVENT_TROUBLE, PROCESS_MASTER,
                  "no room for session %016llx of generation %llu; it ends "
                  "after its transfer",
                  (unsigned long long)serial,
                  (unsigned long long)o->generation);
    SEND(&o->link.channel, older_kick, 0, .serial = serial,
         .why = ENDING_SHUTDOWN);
    return 0;
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
    if (!s)
        return older_refuse(o, msg->serial);
    if (slice_copy(msg->user, s->home.user, sizeof(s->home.user)) < 0)
        return channel_refuse(&o->link.channel, "a name that is too long");
    s->peer = msg->peer;
    s->local = msg->local;
    s->since = msg->since;
    s->login = msg->login;
    s->version = msg->version;
    if (s->login == 0)
        return 0;
    access_renew_limits(s);
    session_add_news(s, NEWS_FACTS);
    sessions_send_news(o->master);
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
    sessions_send_news(o->master);
    return 0;
}

static int older_on_doing(void *owner, struct msg_doing *msg)
{
    struct session *s = older_find(owner, msg->serial);

    if (s && s->look != 0)
        look_answered(s, msg);
    return 0;
}

static const struct handler older_handlers[] = {
    ON(hello, older_on_hello),
    ON(older_session, older_on_session),
    ON(older_gone, older_on_gone),
    ON(doing, older_on_doing),
};

static int older_send(struct older *o, struct session *s,
                      enum session_order order)
{
    if (order == ORDER_PEER)
        return SEND(&o->link.channel, older_peer, 0, .serial = s->serial,
                    .peer = s->peer);
    if (order == ORDER_LOOK) /* an older build ignores it */
        return SEND(&o->link.channel, older_peer, 0, .serial = s->serial,
                    .peer = { 0 });
    if (order == ORDER_KICK)
        return SEND(&o->link.channel, older_kick, 0, .serial = s->serial,
                    .why = s->why);
    return SEND(&o->link.channel, older_kill, 0, .serial = s->serial);
}

static int older_send_all(struct older *o, struct session *s)
{
    static const enum session_order order[] = { ORDER_PEER, ORDER_KICK,
                                                ORDER_KILL, ORDER_LOOK };
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
            session_mark(s); /* also one that had ended with news for gate */
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

static struct older *older_unused(struct master *m)
{
    for (size_t i = 0; i < OLDER_MAX; i++)
        if (m->older[i].link.channel.fd < 0)
            return &m->older[i];
    return NULL;
}

void older_add(struct master *m, uint64_t generation, int fd)
{
    struct older *o = older_unused(m);

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

/* The newest master. Messages about an unknown session are ignored, since it
 * may have ended meanwhile. */

bool newest_hears(struct master *m)
{
    return m->newest->channel.fd >= 0;
}

static int newest_send_one(struct session *s)
{
    struct channel *to = &s->master->newest->channel;
    const char *user = s->login > 0 ? s->home.user : "";
    int r;

    if (s->news & NEWS_KILL)
        return 0; /* the session is killed at gate's end */
    if (s->news & NEWS_GONE)
        r = SEND(to, older_gone, 0, .serial = s->serial,
                 .status = (unsigned)s->status);
    else
        r = SEND(to, older_session, 0, .serial = s->serial,
                 .user = slice_from(user), .peer = s->peer, .local = s->local,
                 .since = s->since, .login = s->login, .version = s->version);
    if (r < 0)
        return r;
    s->announced = true;
    session_forget_news(s);
    session_mark(s);
    return 0;
}

void newest_send(struct master *m)
{
    bool sent = false;

    if (newest_hears(m))
        link_sent(m->newest,
                  sessions_each_news(m->sessions, newest_send_one, &sent));
}

static int newest_on_hello(void *owner, struct msg_hello *msg)
{
    return link_greeted(((struct master *)owner)->newest, msg);
}

static int newest_on_peer(void *owner, struct msg_older_peer *msg)
{
    struct master *m = owner;
    struct session *s = sessions_find(m->sessions, msg->serial);

    if (s && msg->peer.family != 0)
        session_set_client(s, &msg->peer);
    else if (s)
        s->look_by_newest = look_begin(s);
    return 0;
}

static int newest_on_kick(void *owner, struct msg_older_kick *msg)
{
    struct master *m = owner;
    struct session *s = sessions_find(m->sessions, msg->serial);

    if (s && msg->why == ENDING_SHUTDOWN)
        session_finish(s);
    else if (s)
        session_kick(s, msg->why);
    return 0;
}

static int newest_on_kill(void *owner, struct msg_older_kill *msg)
{
    struct master *m = owner;
    struct session *s = sessions_find(m->sessions, msg->serial);

    if (s)
        session_kill(s);
    return 0;
}

static const struct handler newest_handlers[] = {
    ON(hello, newest_on_hello),
    ON(older_peer, newest_on_peer),
    ON(older_kick, newest_on_kick),
    ON(older_kill, newest_on_kill),
};

/* The link has failed: all news is sent again to the next master. */
static void newest_hang_up(struct master *m)
{
    if (!newest_hears(m))
        return;
    link_close(m->newest);
    SESSIONS_EACH(m->sessions, s) {
        if (s->state == SESSION_FREE)
            continue;
        s->announced = false;
        s->look_by_newest = false; /* the next one may not know the answer */
        if (!(s->news & NEWS_KILL))
            session_forget_news(s);
        session_mark(s);
    }
}

static void newest_on_ready(void *owner, uint32_t events)
{
    struct master *m = owner;
    int r = DISPATCH(&m->newest->channel, newest_handlers, m);

    if (r == -EPROTO)
        master_report(m, EVENT_PEER, PROCESS_MASTER, "the newest: %s",
                      m->newest->channel.wrong);
    if (r < 0)
        newest_hang_up(m);
    else if (events & EPOLLOUT)
        newest_send(m);
}

void newest_follow(struct master *m, int fd)
{
    newest_hang_up(m);
    if (link_open(m->newest, fd, newest_on_ready, m) < 0) {
        newest_hang_up(m);
        return;
    }
    SESSIONS_EACH(m->sessions, s)
        if (session_is_served(s))
            session_add_news(s, NEWS_FACTS);
    newest_send(m);
}
