/* See newest.h. What it says of a session that isn't ours is passed over: it
 * may have ended meanwhile. Runs in master. */
#include "newest.h"

#include <errno.h>

#include "core/master.h"
#include "sallyport/ipc/generation.h"
#include "sessions/gate.h"

void newest_init(struct master *m)
{
    channel_init(&m->newest->link, -1, PROCESS_MASTER, PROCESS_MASTER,
                 PHASE_START);
}

bool newest_hears(struct master *m)
{
    return m->newest->link.fd >= 0;
}

static int newest_tell_one(struct session *s)
{
    struct channel *to = &s->master->newest->link;
    const char *user = s->login > 0 ? s->home.user : "";
    int r;

    if (s->news & NEWS_KILL)
        return 0; /* gate's end will do it */
    if (s->news & NEWS_GONE)
        r = SEND(to, older_gone, 0, .serial = s->serial,
                 .status = (unsigned)s->status);
    else
        r = SEND(to, older_session, 0, .serial = s->serial,
                 .user = slice_from(user), .number = gate_number_of(s),
                 .peer = s->peer, .local = s->local, .since = s->since,
                 .login = s->login, .version = s->version);
    if (r < 0)
        return r;
    s->told = true;
    session_forget_news(s);
    session_settle(s);
    return 0;
}

void newest_tell(struct master *m)
{
    struct newest *n = m->newest;
    bool told = false;
    int r;

    if (n->link.fd < 0)
        return;
    r = sessions_each_news(m->sessions, newest_tell_one, &told);
    loop_change(&m->loop, &n->watch,
                r == -EAGAIN ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static int newest_on_hello(void *owner, struct msg_hello *msg)
{
    struct newest *n = ((struct master *)owner)->newest;

    if (msg->version != GENERATION_VERSION) {
        n->link.wrong = "messages of another version";
        return -EPROTO;
    }
    n->link.phase = PHASE_RUN;
    return 0;
}

static int newest_on_peer(void *owner, struct msg_older_peer *msg)
{
    struct master *m = owner;
    struct session *s = sessions_find(m->sessions, msg->serial);

    if (s && msg->peer.family != 0)
        session_known(s, &msg->peer);
    return 0;
}

static int newest_on_kick(void *owner, struct msg_older_kick *msg)
{
    struct master *m = owner;
    struct session *s = sessions_find(m->sessions, msg->serial);

    if (s)
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

/* What that master was told, the next one is told again. */
static void newest_hang_up(struct master *m)
{
    struct newest *n = m->newest;

    if (n->link.fd < 0)
        return;
    loop_remove(&m->loop, &n->watch);
    channel_close(&n->link);
    SESSIONS_EACH(m->sessions, s) {
        if (s->state == SESSION_FREE)
            continue;
        s->told = false;
        if (!(s->news & NEWS_KILL))
            session_forget_news(s);
        session_settle(s);
    }
}

static void newest_on_message(void *owner, uint32_t events)
{
    struct master *m = owner;
    struct newest *n = m->newest;
    int r = channel_dispatch(
        &n->link, newest_handlers,
        sizeof(newest_handlers) / sizeof(newest_handlers[0]), m);

    if (r == -EPROTO)
        master_report(m, EVENT_PEER, PROCESS_MASTER, "the newest: %s",
                      n->link.wrong);
    if (r < 0)
        newest_hang_up(m);
    else if (events & EPOLLOUT)
        newest_tell(m);
}

void newest_follow(struct master *m, int fd)
{
    struct newest *n = m->newest;

    newest_hang_up(m);
    channel_init(&n->link, fd, PROCESS_MASTER, PROCESS_MASTER, PHASE_START);
    n->watch = (struct loop_watch){
        .fd = fd, .events = EPOLLIN, .on_ready = newest_on_message, .owner = m
    };
    if (loop_add(&m->loop, &n->watch) < 0 ||
        SEND(&n->link, hello, 0, .version = GENERATION_VERSION) < 0) {
        newest_hang_up(m);
        return;
    }
    SESSIONS_EACH(m->sessions, s)
        if (session_is_there(s))
            session_add_news(s, NEWS_LOGGED_IN);
    newest_tell(m);
}

void newest_release(struct master *m)
{
    loop_remove(&m->loop, &m->newest->watch);
    channel_close(&m->newest->link);
}
