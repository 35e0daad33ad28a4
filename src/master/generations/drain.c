/* A generation that drains. The sessions of a generation are children of its
 * gate. After gate's end they become children of master, which is their
 * subreaper. Then master reaps them, and kills one if it must. Runs in master.
 */
#include "generations.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

#include "control/control.h"
#include "sallyport/base/fd.h"
#include "sessions/sessions.h"

static bool gate_lives(const struct master *m)
{
    const struct child *gate = children_find(m, PROCESS_GATE);

    return gate && gate->pid > 0;
}

/* Auth isn't needed once nobody can log in any more. A gate may announce
 * sessions until its end. */
static void drain_end_auth(struct master *m)
{
    if (gate_lives(m))
        return;
    SESSIONS_EACH(m->sessions, s)
        if (s->state >= SESSION_GREETED && s->state <= SESSION_OPENING)
            return; /* or it changes its password */
    CHILDREN_EACH(m, c)
        if (c->row->process == PROCESS_AUTH)
            child_release(c);
}

/* The next generation answers for it, from the same memory. */
static void drain_end_metrics(struct master *m)
{
    struct child *c = children_find(m, PROCESS_METRICS);

    if (c)
        child_release(c);
    fd_close(&m->metrics_listener);
}

/* SIGKILL doesn't end a process that waits for a dead disk. The supervisor
 * kills the rest of the group, and frees the place. */
static bool drain_has_sessions(const struct master *m)
{
    SESSIONS_EACH(m->sessions, s)
        if (s->state != SESSION_FREE && !s->killed)
            return true;
    return false;
}

void drain_end_if_over(struct master *m)
{
    if (m->state != MASTER_DRAINING)
        return;
    drain_end_auth(m);
    if (!drain_has_sessions(m) && !gate_lives(m) && control_is_idle(m->control))
        loop_stop(&m->loop);
}

static void drain_on_deadline(void *owner)
{
    struct master *m = owner;

    master_report(m, EVENT_SERVICE, PROCESS_MASTER,
                  "drain_timeout is over: %zu sessions are ended",
                  m->sessions->living);
    SESSIONS_EACH(m->sessions, s)
        session_kick(s, ENDING_REPLACED);
}

void drain_at_once(struct master *m)
{
    SESSIONS_EACH(m->sessions, s)
        session_kick(s, ENDING_OLDEST);
    drain_end_if_over(m);
}

/* Until drain_on_gate_end() the session is gate's child, and its pid is only
 * what gate says. Gate gets no more news: it ends soon, and the session is
 * killed then. */
static void drain_kill(struct session *s)
{
    if (!s->master->drain->inherited) {
        session_add_news(s, NEWS_KILL);
        return;
    }
    session_forget_news(s);
    if (s->pid > 0)
        kill(s->pid, SIGKILL);
}

static bool drain_hears(struct master *m)
{
    (void)m;
    return false;
}

static void drain_send(struct master *m)
{
    (void)m;
}

static const struct news_receiver drain_receiver = { drain_hears, drain_send,
                                                     drain_kill };

/* From now on the newest master decides about the sessions: its orders are in
 * the roster. */
void drain_begin(struct master *m)
{
    if (m->state != MASTER_RUNNING)
        return;
    m->state = MASTER_DRAINING;
    m->sessions->receiver = &drain_receiver;
    control_step_down(m->control);
    listeners_release(m->listeners);
    drain_end_metrics(m);
    access_stop(m);
    older_release(m);
    orders_follow(m);
    SESSIONS_EACH(m->sessions, s)
        if (!(s->news & NEWS_KILL))
            session_forget_news(s);
    m->drain->deadline =
        (struct loop_timer){ .on_timer = drain_on_deadline, .owner = m };
    loop_timer_set(&m->loop, &m->drain->deadline, m->settings.drain_timeout);
}

void drain_hand_over(struct master *m)
{
    struct drain *d = m->drain;
    struct child *gate = children_gate(m);
    int r;

    if (d->next_gate < 0 || !gate)
        return;
    r = SEND(&gate->channel, hand_over, 0, .gate = d->next_gate);
    if (r == -EAGAIN) {
        child_wait_writable(gate);
        return;
    }
    fd_close(&d->next_gate);
    if (r < 0)
        child_end(gate, "does not read its messages");
}

/* A gate that doesn't read hand_over, or doesn't end in time, is killed by its
 * timer (gate_on_timer in run.c). */
void drain_step_down(struct master *m, int fd)
{
    struct child *gate = children_gate(m);

    drain_begin(m);
    m->drain->handing_over = gate != NULL;
    if (!gate) {
        fd_close(&fd);
        return;
    }
    fd_close(&m->drain->next_gate);
    m->drain->next_gate = fd;
    loop_timer_set(&m->loop, &gate->timer, m->deadlines.hand_over);
    drain_hand_over(m);
}

/* Gate has reported the pids. Only a child of master that is nothing else may
 * be a session. */
static bool drain_is_other_child(struct master *m, pid_t pid)
{
    return pid == m->survey || pid == m->disks || pid == m->banning->writer ||
           pid == m->users->writer.pid || sessions_by_files(m->sessions, pid) ||
           hanging_has(&m->sessions->hanging, pid) || errands_have(m, pid) ||
           children_by_pid(m, pid);
}

static void drain_inherit_session(struct session *s)
{
    int status = 0;
    bool ours = s->pid > 1 && !drain_is_other_child(s->master, s->pid) &&
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
    m->drain->inherited = true;
    SESSIONS_EACH(m->sessions, s)
        if (s->state != SESSION_FREE)
            drain_inherit_session(s);
    fd_close(&m->drain->next_gate);
    SUCCESSION_SAY(&m->succession, gate_lost, 0, .handed_over = handed_over);
    drain_end_if_over(m);
}

void drain_reaped(struct master *m, pid_t pid, int status)
{
    if (gate_lives(m))
        return;
    SESSIONS_EACH(m->sessions, s)
        if (s->pid == pid)
            session_gone(s, status);
}

void drain_release(struct master *m)
{
    loop_timer_clear(&m->loop, &m->drain->deadline);
    fd_close(&m->drain->next_gate);
}
