/* See drain.h. The sessions of a generation are children of its gate. When gate
 * has ended they become children of master, which is their subreaper: from then
 * on master reaps them, and kills one where it must. Runs in master. */
#include "drain.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

#include "access.h"
#include "child.h"
#include "children.h"
#include "control.h"
#include "gate.h"
#include "listen.h"
#include "master.h"
#include "older.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"
#include "session.h"

void drain_init(struct master *m)
{
    channel_init(&m->drain->newest, -1, PROCESS_MASTER, PROCESS_MASTER,
                 PHASE_START);
}

static bool gate_lives(const struct master *m)
{
    for (size_t i = 0; i < m->children->count; i++)
        if (m->children->child[i].row->process == PROCESS_GATE)
            return m->children->child[i].pid > 0;
    return false;
}

/* Auth has nothing to do once nobody can log in any more; until gate has ended
 * it may announce sessions. */
static void drain_end_auth(struct master *m)
{
    if (gate_lives(m))
        return;
    for (size_t i = 0; i < m->sessions->size; i++)
        if (m->sessions->all[i].state >= SESSION_GREETED &&
            m->sessions->all[i].state <= SESSION_OPENING)
            return;
    for (size_t i = 0; i < m->children->count; i++)
        if (m->children->child[i].row->process == PROCESS_AUTH)
            child_release(&m->children->child[i]);
}

void drain_settle(struct master *m)
{
    if (m->state != MASTER_DRAINING)
        return;
    drain_end_auth(m);
    if (m->sessions->used == 0 && !gate_lives(m) && control_is_idle(m->control))
        loop_stop(&m->loop);
}

static void drain_on_deadline(void *owner)
{
    struct master *m = owner;

    master_report(m, EVENT_SERVICE, PROCESS_MASTER,
                  "drain_timeout is over: %zu sessions are ended",
                  m->sessions->living);
    for (size_t i = 0; i < m->sessions->size; i++)
        session_kick(&m->sessions->all[i], ENDING_REPLACED);
}

/* Who hears of the sessions from here on is the newest master, which decides
 * on them; until it is known there is no news. */
void drain_begin(struct master *m)
{
    if (m->state != MASTER_RUNNING)
        return;
    m->state = MASTER_DRAINING;
    control_step_down(m->control);
    listeners_release(m->listeners);
    access_stop(m);
    older_release(m);
    for (size_t i = 0; i < m->sessions->size; i++)
        if (!(m->sessions->all[i].news & NEWS_KILL))
            session_forget_news(&m->sessions->all[i]);
    m->drain->deadline =
        (struct loop_timer){ .on_time = drain_on_deadline, .owner = m };
    loop_timer_set(&m->loop, &m->drain->deadline, m->settings.drain_timeout);
}

/* A gate that doesn't read or doesn't end has crashed: child.c ends it. */
void drain_step_down(struct master *m, int fd)
{
    struct child *gate = children_gate(m);

    drain_begin(m);
    m->drain->handing_over = gate != NULL;
    if (gate && SEND(&gate->channel, hand_over, 0, .gate = fd) < 0)
        child_end(gate, "does not read its messages");
    else if (gate)
        loop_timer_set(&m->loop, &gate->timer, m->deadlines.hand_over);
    fd_close(&fd);
}

/* --- sessions without a gate ------------------------------------------------
 */

/* Gate named the pids; only a child of ours that is nothing else may be a
 * session. */
static bool is_other_child(struct master *m, pid_t pid)
{
    if (sessions_by_files(m->sessions, pid) || control_home(m->control, pid))
        return true;
    for (size_t i = 0; i < m->children->count; i++)
        if (m->children->child[i].pid == pid)
            return true;
    return false;
}

static void drain_adopt(struct session *s)
{
    int status = 0;
    bool ours = s->pid > 1 && !is_other_child(s->master, s->pid) &&
                waitpid(s->pid, &status, WNOHANG) == 0;

    if (!ours)
        session_gone(s, status);
    else if (s->news & NEWS_KILL)
        drain_kill(s);
}

void drain_on_gate_end(struct child *gate, int status)
{
    struct master *m = gate->master;
    bool handed_over = m->drain->handing_over && status == 0;

    if (m->state != MASTER_DRAINING)
        return;
    for (size_t i = 0; i < m->sessions->size; i++)
        if (m->sessions->all[i].state != SESSION_FREE)
            drain_adopt(&m->sessions->all[i]);
    succession_gate_lost(&m->succession, handed_over);
    drain_settle(m);
}

void drain_reaped(struct master *m, pid_t pid, int status)
{
    if (gate_lives(m))
        return;
    for (size_t i = 0; i < m->sessions->size; i++)
        if (m->sessions->all[i].pid == pid)
            session_gone(&m->sessions->all[i], status);
}

/* While gate lives the session is gate's child, and gate reads nothing more of
 * ours: then at gate's end. */
void drain_kill(struct session *s)
{
    if (gate_lives(s->master)) {
        session_add_news(s, NEWS_KILL);
        return;
    }
    session_forget_news(s);
    if (s->pid > 0)
        kill(s->pid, SIGKILL);
}

/* --- the newest master ------------------------------------------------------
 */

static int drain_tell_one(struct session *s)
{
    struct channel *to = &s->master->drain->newest;
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

void drain_tell(struct master *m)
{
    struct drain *d = m->drain;
    bool told = false;
    int r;

    if (d->newest.fd < 0)
        return;
    r = sessions_each_news(m->sessions, drain_tell_one, &told);
    loop_change(&m->loop, &d->watch,
                r == -EAGAIN ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static int drain_on_hello(void *owner, struct msg_hello *msg)
{
    struct drain *d = ((struct master *)owner)->drain;

    if (msg->version != GENERATION_VERSION) {
        d->newest.wrong = "messages of another version";
        return -EPROTO;
    }
    d->newest.phase = PHASE_RUN;
    return 0;
}

static int drain_on_peer(void *owner, struct msg_older_peer *msg)
{
    struct master *m = owner;
    struct session *s = sessions_find(m->sessions, msg->serial);

    if (s && msg->peer.family != 0)
        session_known(s, &msg->peer);
    return 0;
}

static int drain_on_kick(void *owner, struct msg_older_kick *msg)
{
    struct master *m = owner;
    struct session *s = sessions_find(m->sessions, msg->serial);

    if (s)
        session_kick(s, msg->why);
    return 0;
}

static int drain_on_kill(void *owner, struct msg_older_kill *msg)
{
    struct master *m = owner;
    struct session *s = sessions_find(m->sessions, msg->serial);

    if (s)
        session_kill(s);
    return 0;
}

static const struct handler drain_handlers[] = {
    ON(hello, drain_on_hello),
    ON(older_peer, drain_on_peer),
    ON(older_kick, drain_on_kick),
    ON(older_kill, drain_on_kill),
};

/* What that master was told, the next one is told again. */
static void drain_hang_up(struct master *m)
{
    struct drain *d = m->drain;

    if (d->newest.fd < 0)
        return;
    loop_remove(&m->loop, &d->watch);
    channel_close(&d->newest);
    for (size_t i = 0; i < m->sessions->size; i++) {
        struct session *s = &m->sessions->all[i];

        if (s->state == SESSION_FREE)
            continue;
        s->told = false;
        if (!(s->news & NEWS_KILL))
            session_forget_news(s);
        session_settle(s);
    }
}

static void drain_on_newest(void *owner, uint32_t events)
{
    struct master *m = owner;
    struct drain *d = m->drain;
    int r =
        channel_dispatch(&d->newest, drain_handlers,
                         sizeof(drain_handlers) / sizeof(drain_handlers[0]), m);

    if (r == -EPROTO)
        master_report(m, EVENT_PEER, PROCESS_MASTER, "the newest: %s",
                      d->newest.wrong);
    if (r < 0)
        drain_hang_up(m);
    else if (events & EPOLLOUT)
        drain_tell(m);
}

void drain_successor(struct master *m, int fd)
{
    struct drain *d = m->drain;

    drain_begin(m);
    drain_hang_up(m);
    channel_init(&d->newest, fd, PROCESS_MASTER, PROCESS_MASTER, PHASE_START);
    d->watch = (struct loop_watch){
        .fd = fd, .events = EPOLLIN, .on_ready = drain_on_newest, .owner = m
    };
    if (loop_add(&m->loop, &d->watch) < 0 ||
        SEND(&d->newest, hello, 0, .version = GENERATION_VERSION) < 0) {
        drain_hang_up(m);
        return;
    }
    for (size_t i = 0; i < m->sessions->size; i++)
        if (session_is_there(&m->sessions->all[i]))
            session_add_news(&m->sessions->all[i], NEWS_LOGGED_IN);
    drain_tell(m);
    drain_settle(m);
}

void drain_release(struct master *m)
{
    loop_timer_clear(&m->loop, &m->drain->deadline);
    loop_remove(&m->loop, &m->drain->watch);
    channel_close(&m->drain->newest);
}
