/* Gate's messages, in master: sessions begin and end. News for gate waits in
 * the sessions' records until gate can take it. A gate that sends impossible
 * messages is ended. */
#include "sessions.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

#define FULL_MS 10000 /* ms between two log lines about a full table */

/* Is FD a SOCK_SEQPACKET socket, and not a file, a listener or a stream? */
static bool gate_is_channel(int fd)
{
    int domain = 0, type = 0;
    socklen_t size = sizeof(int);

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           domain == AF_UNIX && type == SOCK_SEQPACKET;
}

/* Limited to one line in FULL_MS: anybody who connects can cause it. */
static void gate_report_full(struct master *m)
{
    struct session_table *t = m->sessions;

    if (burst_take(&t->reports, 1, FULL_MS, clock_ms()) > 0)
        return;
    master_report(m, EVENT_TROUBLE, PROCESS_MASTER,
                  "no room for a session: %zu of %zu are there, and %zu whose "
                  "process files hasn't ended",
                  t->living, t->limit, t->used - t->living);
}

/* If there are max_sessions, or during a stop, the descriptors are closed, and
 * that one session sees its end. A gate that has not yet got MSG_hand_over
 * still accepts; those sessions belong to a generation that drains. */
int gate_on_session(void *owner, struct msg_session *msg)
{
    struct child *c = owner;
    struct master *m = c->master;
    const struct session_ends ends = { msg->master, msg->log, msg->keys };
    bool proxied = settings_proxied(&m->settings, msg->listener);
    struct session *s;

    if (!gate_is_channel(msg->master) || !gate_is_channel(msg->log) ||
        !gate_is_channel(msg->keys))
        return channel_refuse(&c->channel, "a session without its channels");
    if (sessions_find(m->sessions, msg->serial))
        return channel_refuse(&c->channel, "a serial that is in use already");
    if (m->state == MASTER_STOPPING)
        return 0;
    s = session_open(m, msg->serial, &msg->peer, &msg->local, proxied, &ends);
    if (!s) {
        gate_report_full(m);
        return 0;
    }
    msg->master = msg->log = msg->keys = -1;
    if (m->state != MASTER_DRAINING && !proxied)
        banning_review(s);
    if (closed_is(m)) /* since gate let it in */
        session_finish(s);
    return 0;
}

/* Gate may have adopted the session since the last look at the rosters. */
static struct session *gate_find(struct master *m, uint64_t serial)
{
    struct session *s = sessions_find(m->sessions, serial);

    if (!s)
        older_look_all(m);
    return s ? s : sessions_find(m->sessions, serial);
}

/* A session that nobody knows here has ended, or its own master is late with
 * its row: then its client connects again, instead of waiting for
 * login_timeout. */
int gate_on_session_peer(void *owner, struct msg_session_peer *msg)
{
    struct child *c = owner;
    struct session *s = gate_find(c->master, msg->serial);

    if (msg->peer.family == 0)
        return channel_refuse(&c->channel, "a client without an address");
    if (s && !session_set_client(s, &msg->peer))
        return channel_refuse(&c->channel, "a client that is known already");
    if (s)
        banning_review(s);
    else
        SEND(&c->channel, kill, 0, .serial = msg->serial);
    return 0;
}

int gate_on_session_gone(void *owner, struct msg_session_gone *msg)
{
    struct child *c = owner;
    struct session *s = sessions_find(c->master->sessions, msg->serial);

    if (s && !s->older)
        session_gone(s, (int)msg->status);
    return 0;
}

/* The pid counts only once it is a child of master: see drain.c. */
int gate_on_born(void *owner, struct msg_born *msg)
{
    struct child *c = owner;
    struct session *s = sessions_find(c->master->sessions, msg->serial);

    if (msg->pid <= 1 || msg->pid > INT_MAX)
        return channel_refuse(&c->channel, "a session with an impossible pid");
    if (s && !s->older)
        s->pid = (pid_t)msg->pid;
    return 0;
}

int gate_on_kill_adopted(void *owner, struct msg_kill_adopted *msg)
{
    struct child *c = owner;
    struct session *s = gate_find(c->master, msg->serial);

    if (s && s->older)
        session_kill(s);
    return 0;
}

/* All come again if gate doesn't take one of them now. */
static int gate_send_login(struct channel *gate, const struct session *s)
{
    int r = SEND(gate, logged_in, 0, .serial = s->serial);

    for (size_t i = 0; i < s->limits.accounts && r == 0; i++) {
        const struct account *a = &s->limits.account[i];

        r = SEND(gate, limits, 0, .serial = s->serial, .account = a->number,
                 .team = i > 0, .transfers = a->transfers, .up = a->up,
                 .down = a->down, .last = i + 1 == s->limits.accounts);
    }
    return r;
}

static int gate_send_one(struct session *s)
{
    struct channel *gate = &children_gate(s->master)->channel;
    int r = 0;

    if (s->news & NEWS_KILL)
        r = SEND(gate, kill, 0, .serial = s->serial);
    else if (s->news & NEWS_GONE)
        r = SEND(gate, adopted_gone, 0, .serial = s->serial,
                 .status = (unsigned)s->status);
    else
        r = gate_send_login(gate, s);
    if (r == 0) {
        session_forget_news(s);
        session_mark(s);
    }
    return r;
}

/* Sends gate all news that waits, as far as gate can take it. */
static void gate_send_news(struct master *m)
{
    struct child *gate = children_gate(m);
    bool sent = false; /* gate reads, if slowly */

    if (!gate)
        return;
    if (sessions_each_news(m->sessions, gate_send_one, &sent) == 0) {
        loop_timer_clear(&m->loop, &gate->timer);
        return;
    }
    child_wait_writable(gate);
    if (sent || !gate->timer.armed)
        loop_timer_set(&m->loop, &gate->timer, m->deadlines.stuck);
}

static bool gate_hears(struct master *m)
{
    return children_gate(m) != NULL;
}

/* Gate kills the session, which is gate's child. */
static void gate_kill(struct session *s)
{
    session_add_news(s, NEWS_KILL);
}

const struct news_receiver gate_receiver = { gate_hears, gate_send_news,
                                             gate_kill };

void gate_open(struct child *gate)
{
    if (SEND(&gate->channel, open, 0) == -EAGAIN)
        child_end(gate, "does not read its messages");
}
