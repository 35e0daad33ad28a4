/* A generation that retires: another generation accepts clients, and this
 * generation finishes its work. Its gate closes the listeners, serves the
 * clients that wait in its queue, and then the sessions, until the last one has
 * ended. Runs in master. */
#include "generations.h"

#include <errno.h>

#include "control/control.h"
#include "logins/logins.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

/* Ends auth once nobody can log in any more. The supervisor kills the rest of
 * the process group, and frees the generation's place. Last waits until log has
 * read all events; if log dies, another log gets them. stop_children() waits
 * until log has written them. */
void retire_end_if_over(struct master *m)
{
    const struct child *gate;
    struct left left;
    bool needs_auth;

    if (m->state != MASTER_RETIRING)
        return;
    left = generation_left(m);
    gate = children_find(m, PROCESS_GATE);
    /* Gate can begin another session, for a connection from its queue. */
    needs_auth = gate && gate->pid > 0 && gate->opened;
    SESSIONS_EACH(m->sessions, s)
        /* A login, or a change of the password. */
        needs_auth |=
            s->state >= SESSION_GREETED && s->state <= SESSION_OPENING;
    CHILDREN_EACH(m, c)
        if (c->row->process == PROCESS_AUTH && !needs_auth)
            child_release(c);
    if (needs_auth || left.sessions > 0 || !control_is_idle(m->control))
        return;
    if (m->log_until == 0)
        m->log_until = clock_ms() + m->deadlines.unread;
    if (left.unread == 0 || clock_ms() >= m->log_until)
        loop_stop(&m->loop);
    else /* retire_shut() looks again */
        loop_timer_set(&m->loop, &m->retirement->late, m->deadlines.unlogged);
}

/* Call it when gate has said `shut`, or was late: gate begins no further
 * session. If gate begins a session nevertheless, gate was late or an attacker
 * controls it, and master ends gate. */
static void retire_shut(void *master)
{
    struct master *m = master;
    struct child *gate = children_find(m, PROCESS_GATE);

    loop_timer_clear(&m->loop, &m->retirement->late);
    if (gate)
        gate->opened = false;
    m->may_be_over = true;
}

static void retire_on_deadline(void *owner)
{
    struct master *m = owner;

    retire_shut(m);
    master_report(m, EVENT_SERVICE, PROCESS_MASTER,
                  "drain_timeout is over: ending %zu sessions",
                  m->sessions->living);
    SESSIONS_EACH(m->sessions, s)
        session_kick(s, ENDING_REPLACED);
}

/* From now on the newest master decides about the sessions: its orders are in
 * the roster. */
void retire_begin(struct master *m)
{
    if (m->state != MASTER_RUNNING)
        return;
    m->state = MASTER_RETIRING;
    control_close(m->control, false); /* the newest generation has the socket */
    listeners_release(m->listeners);
    loop_timer_clear(&m->loop, &m->access->timer);
    older_release(m);
    orders_follow(m);
    m->retirement->late =
        (struct loop_timer){ .on_timer = retire_shut, .owner = m };
    m->retirement->deadline =
        (struct loop_timer){ .on_timer = retire_on_deadline, .owner = m };
    loop_timer_set(&m->loop, &m->retirement->late,
                   m->settings.login_timeout + m->deadlines.shut);
    loop_timer_set(&m->loop, &m->retirement->deadline,
                   m->settings.drain_timeout);
    retire_tell_gate(m);
}

void retire_tell_gate(struct master *m)
{
    struct child *gate = children_ready(m, PROCESS_GATE);
    int r;

    if (m->state != MASTER_RETIRING || m->retirement->told || !gate)
        return;
    r = SEND(&gate->channel, stop_accepting, 0, .serve = true);
    m->retirement->told = r == 0;
    if (r == -EAGAIN)
        child_wait_writable(gate);
}

int retire_on_shut(void *owner, struct msg_shut *msg)
{
    struct child *c = owner;

    (void)msg;
    if (c->master->state == MASTER_RETIRING)
        retire_shut(c->master);
    return 0;
}
