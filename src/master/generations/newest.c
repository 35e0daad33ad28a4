/* See newest.h. Messages about an unknown session are ignored, since it may
 * have ended meanwhile. Runs in master. */
#include "newest.h"

#include <errno.h>

#include "core/master.h"
#include "link.h"
#include "sessions/gate.h"

bool newest_hears(struct master *m)
{
    return m->newest->channel.fd >= 0;
}

static int newest_tell_one(struct session *s)
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
    bool told = false;

    if (newest_hears(m))
        link_sent(m->newest,
                  sessions_each_news(m->sessions, newest_tell_one, &told));
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

/* The link has failed: all news is sent again to the next master. */
static void newest_hang_up(struct master *m)
{
    if (!newest_hears(m))
        return;
    link_close(m->newest);
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
    int r = DISPATCH(&m->newest->channel, newest_handlers, m);

    if (r == -EPROTO)
        master_report(m, EVENT_PEER, PROCESS_MASTER, "the newest: %s",
                      m->newest->channel.wrong);
    if (r < 0)
        newest_hang_up(m);
    else if (events & EPOLLOUT)
        newest_tell(m);
}

void newest_follow(struct master *m, int fd)
{
    newest_hang_up(m);
    if (link_open(m->newest, fd, newest_on_message, m) < 0) {
        newest_hang_up(m);
        return;
    }
    SESSIONS_EACH(m->sessions, s)
        if (session_is_there(s))
            session_add_news(s, NEWS_LOGGED_IN);
    newest_tell(m);
}
