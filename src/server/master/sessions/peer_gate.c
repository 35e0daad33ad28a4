/* The messages between gate and master about sessions that begin and end. News
 * for gate waits in the sessions' records until gate can take it. Master ends a
 * gate that sends an impossible message. Runs in master. */
#include "sessions.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

#define FULL_MS 10000 /* ms between two log lines about a full table */

/* Is FD a unix socket of the type SOCK_SEQPACKET, as each channel is? */
static bool gate_is_channel(int fd)
{
    int domain = 0, type = 0;
    socklen_t size = sizeof(int);

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           domain == AF_UNIX && type == SOCK_SEQPACKET;
}

/* Returns true if the process that gate has named is a living child of master.
 * Otherwise marks S, and each other record with this pid, as ended: master must
 * never send a signal to a pid that it has reaped. */
static bool gate_session_lives(struct session_record *s)
{
    struct session_table *t = s->master->sessions;
    const pid_t pid = s->pid, at = pid % STRANGERS;
    int status = t->stranger[at] == pid ? t->stranger_status[at] : 0;
    const pid_t ended = waitpid(pid, &status, WNOHANG);

    if (ended != 0)
        sessions_reaped(t, pid, status);
    return ended == 0;
}

/* If max_sessions live already, or during a stop, takes no record: the caller
 * closes the descriptors, so the session ends. While this generation retires,
 * gate can still begin sessions for the clients in its queue. */
int gate_on_session(void *owner, struct msg_session *msg)
{
    struct child *c = owner;
    struct master *m = c->master;
    struct session_table *t = m->sessions;
    const pid_t pid = (pid_t)msg->pid;
    const struct session_ends ends = { msg->master, msg->log, msg->keys, pid };
    bool proxied = settings_listener(&m->settings, msg->listener)->proxied;
    struct session_record *s;

    if (!c->opened)
        return channel_refuse(&c->channel, "a session, and it has no listener");
    if (!gate_is_channel(msg->master) || !gate_is_channel(msg->log) ||
        !gate_is_channel(msg->keys))
        return channel_refuse(&c->channel, "a session without its channels");
    if (msg->serial == 0 || sessions_find(t, msg->serial))
        return channel_refuse(&c->channel,
                              "a serial that is 0, or in use already");
    if (msg->pid < 2 || msg->pid > INT_MAX || errands_have(m, pid) ||
        hanging_find(&t->hanging, pid) || children_by_pid(m, pid))
        return channel_refuse(&c->channel, "a session with an impossible pid");
    if (m->state == MASTER_STOPPING)
        return 0;
    s = session_open(m, msg->serial, &msg->peer, &msg->local, proxied, &ends);
    if (!s) {
        /* Report it only once in FULL_MS, since every client can cause it. */
        if (debt_take(&t->reports, FULL_MS, FULL_MS, clock_ms()) == 0)
            master_report(m, EVENT_TROUBLE, PROCESS_MASTER,
                          "no room for a session: %zu of %zu exist, and %zu "
                          "more whose process files hasn't ended",
                          t->living, t->limit, t->used - t->living);
        return 0;
    }
    msg->master = msg->log = msg->keys = -1;
    s->counts = true;
    if (!gate_session_lives(s))
        return 0;
    if (!proxied)
        banning_review(s);
    if (drain_is_on(m)) /* the drain began after gate admitted the session */
        session_finish(s);
    return 0;
}

/* Ignores a session that has ended meanwhile. */
int gate_on_session_peer(void *owner, struct msg_session_peer *msg)
{
    struct child *c = owner;
    struct session_record *s = sessions_find(c->master->sessions, msg->serial);

    if (msg->peer.family == 0)
        return channel_refuse(&c->channel, "a client without an address");
    if (!s || s->older)
        return 0;
    if (!session_set_client(s, &msg->peer, &msg->server))
        return channel_refuse(&c->channel, "a client that is known already");
    banning_review(s);
    return 0;
}

/* Kills the session, even if it has closed its channel; orders the master of an
 * older session to end it. If there is no record,
 * answers at once: master had no room for the session, and it has ended. */
int gate_on_kill(void *owner, struct msg_kill *msg)
{
    struct child *c = owner;
    struct session_record *s = sessions_find(c->master->sessions, msg->serial);

    if (msg->why == 0 || msg->why >= ENDING_COUNT)
        return channel_refuse(&c->channel, "a kill without a reason");
    if (!s) {
        SEND(&c->channel, reaped, 0, .serial = msg->serial, .fruitless = false);
    } else if (s->older) {
        session_kick(s, (enum ending)msg->why);
    } else {
        session_kill_process(s, (enum ending)msg->why);
        session_end(s);
    }
    return 0;
}

void gate_on_reaped(struct child *c, int status)
{
    (void)status;
    SESSIONS_EACH(c->master->sessions, s) {
        if (s->state == SESSION_FREE)
            continue;
        s->counts = false;
        session_forget_news(s);
        session_mark(s);
    }
}

/* The news of sessions for gate. */

void session_add_news(struct session_record *s, enum session_news news)
{
    if (!children_ready(s->master, PROCESS_GATE))
        return;
    if (s->news == 0)
        TAILQ_INSERT_TAIL(&s->master->sessions->with_news, s, with_news);
    s->news |= news;
}

void session_forget_news(struct session_record *s)
{
    if (s->news != 0)
        TAILQ_REMOVE(&s->master->sessions->with_news, s, with_news);
    s->news = 0;
}

/* Makes a new channel, and sends one end to gate and the other end to the
 * session. Kills the session if it doesn't read this message. */
static int gate_send_adopt(struct channel *gate, struct session_record *s)
{
    bool known = s->channel.phase != PHASE_START;
    int ends[2], r = fd_pair(ends);

    if (r < 0) {
        session_kill(s);
        return 0;
    }
    r = SEND(gate, adopt, 0, .serial = s->serial, .peer = s->peer,
             .local = s->local, .server = s->server, .proxied = s->proxied,
             .known = known, .logged_in = s->login > 0, .session = ends[1]);
    s->counts = r == 0;
    if (r == 0 && SEND(&s->channel, gate, 0, .gate = ends[0]) == -EAGAIN)
        session_kill(s);
    fd_close(&ends[0]);
    fd_close(&ends[1]);
    return r;
}

/* Returns true if the server has ended the session, on purpose or because a
 * part of the server failed. Returns false for a session that ended to make
 * room for another network: its own network had too many sessions. */
static bool server_has_ended(const struct session_record *s)
{
    const bool exited = WIFEXITED(s->status);

    switch (exited ? WEXITSTATUS(s->status) : (int)s->killed) {
    case ENDING_SHUTDOWN:
    case ENDING_KICKED:
    case ENDING_REPLACED:
    case ENDING_DRAINED:
    case ENDING_KEPT_OUT:
    case ENDING_NO_LOGIN:
        return true;
    case ENDING_PEER: /* if it was killed: gate has found it breaking rules */
        return exited;
    default:
        return false;
    }
}

/* Sends the news of S. If gate doesn't take one of the messages, all news of S
 * stays, since gate can get the same news twice without harm. */
static int gate_send_one(struct channel *gate, struct session_record *s)
{
    int r = 0;

    if (s->news & NEWS_GONE) {
        if (s->counts)
            r = SEND(gate, reaped, 0, .serial = s->serial,
                     .fruitless = s->login == 0 && !server_has_ended(s));
    } else {
        const bool there = (s->news & NEWS_THERE) && !s->counts;

        if (there && s->older) {
            r = SEND(gate, elder, 0, .serial = s->serial, .peer = s->peer,
                     .waits = s->login == 0);
            s->counts = r == 0;
        } else if (there && s->channel.fd >= 0) {
            r = gate_send_adopt(gate, s);
        }
        if (r == 0 && (s->news & NEWS_LOGIN))
            r = SEND(gate, logged_in, 0, .serial = s->serial);
    }
    if (r == 0) {
        session_forget_news(s);
        session_mark(s);
    }
    return r;
}

void sessions_send_news(struct master *m)
{
    struct session_table *t = m->sessions;
    struct child *gate = children_ready(m, PROCESS_GATE);
    struct session_record *s;
    bool sent = false; /* true: gate reads its messages, perhaps slowly */
    int r = 0;

    if (!gate)
        return;
    while (r == 0 && (s = TAILQ_FIRST(&t->with_news))) {
        r = gate_send_one(&gate->channel, s);
        sent |= r == 0;
    }
    /* Send `open` last: gate must count all sessions of older generations
     * before it accepts clients. */
    if (r == 0 && !gate->opened && m->succession.leads &&
        m->state == MASTER_RUNNING) {
        r = SEND(&gate->channel, open, 0);
        gate->opened = r == 0;
    }
    if (r == 0) {
        loop_timer_clear(&m->loop, &gate->timer);
        return;
    }
    child_wait_writable(gate);
    if (sent || !gate->timer.armed)
        loop_timer_set(&m->loop, &gate->timer, m->deadlines.stuck);
}

void gate_on_ready(struct child *c)
{
    struct master *m = c->master;

    SESSIONS_EACH(m->sessions, s) {
        if (s->state == SESSION_FREE || s->state == SESSION_ENDED)
            continue;
        /* If the client of an older generation's session isn't known yet,
         * older_learn() adds this news later. */
        if (s->older ? !s->unknown : s->channel.fd >= 0)
            session_add_news(s, NEWS_THERE);
    }
    sessions_send_news(m);
}
