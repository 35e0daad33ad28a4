/* The stop of the service, in master: no new connections, a message to each
 * session, a deadline for each step. */
#include "generations.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "control/control.h"
#include "sallyport/base/clock.h"
#include "sessions/sessions.h"

#define STOP_TICK_MS 50

/* Looks again soon, since log doesn't tell master what it has read. */
void stop_end_if_over(void *master)
{
    struct master *m = master;
    const struct left left = generation_left(m);

    if (left.sessions == 0 && left.unread == 0)
        loop_stop(&m->loop);
    m->retirement->late.on_timer = stop_end_if_over; /* it may be armed */
    m->retirement->late.owner = m;
    loop_timer_set(&m->loop, &m->retirement->late, STOP_TICK_MS);
}

void stop_begin(void *master)
{
    struct master *m = master;
    struct child *gate = children_ready(m, PROCESS_GATE);
    bool again = m->state == MASTER_STOPPING;
    const uint64_t last = clock_ms() + m->deadlines.last;

    if (m->log_until == 0 || m->log_until > last)
        m->log_until = last;
    m->state = MASTER_STOPPING;
    older_release(m); /* the supervisor sends older masters the same order */
    if (again) {
        loop_stop(&m->loop);
        return;
    }
    if (gate)
        SEND(&gate->channel, stop_accepting, 0, .serve = false);
    loop_timer_set(&m->loop, &m->deadline, m->deadlines.stop);
    SESSIONS_EACH(m->sessions, s)
        session_kick(s, ENDING_SHUTDOWN);
    stop_end_if_over(m);
}

/* Returns true if C ends in this step. LOG: true: the step that ends the
 * process log; false: the step that ends all other children. */
static bool stop_concerns(const struct child *c, bool log)
{
    return (c->row->process == PROCESS_LOG) == log;
}

static bool stop_are_there(const struct master *m, bool log)
{
    CHILDREN_EACH(m, c)
        if (c->pid > 0 && stop_concerns(c, log))
            return true;
    return !log && errands_finish(m);
}

/* Waits a moment, unless the time is over: END, but for log `log_until`, if it
 * is set. Counts on the board, since the supervisor kills a master that
 * doesn't count. */
static bool stop_waits(struct master *m, bool log, uint64_t end)
{
    struct pollfd one = { .fd = m->signals.watch.fd, .events = POLLIN };

    if (clock_ms() >= (log && m->log_until > 0 ? m->log_until : end))
        return false;
    board_set(&m->row->master, m->row->master + 1);
    if (poll(&one, 1, STOP_TICK_MS) > 0)
        m->signals.watch.on_ready(&m->signals, POLLIN);
    return true;
}

static void stop_some(struct master *m, bool log)
{
    const uint64_t end = clock_ms() + m->deadlines.kick;

    CHILDREN_EACH(m, c)
        if (stop_concerns(c, log))
            child_release(c);
    while (stop_are_there(m, log) && stop_waits(m, log, end))
        continue;
    CHILDREN_EACH(m, c)
        if (c->pid > 0 && stop_concerns(c, log)) {
            kill(c->pid, SIGKILL);
            waitpid(c->pid, NULL, 0);
            c->pid = 0;
            m->services->killed = log;
        }
}

void stop_children(struct master *m)
{
    bool retired = m->state == MASTER_RETIRING;

    m->state = MASTER_STOPPING;
    if (m->status == 0 && !m->check)
        master_report(m, EVENT_SERVICE, PROCESS_MASTER, "%s",
                      retired ? "ends: a newer generation has taken over, and "
                                "its own last session has ended"
                              : "stops");
    errands_stop(m);
    SESSIONS_EACH(m->sessions, s)
        if (s->state != SESSION_FREE) {
            files_kill(&s->files);
            files_hang_up(&s->files);
            session_end(s);
        }
    control_stop(m->control);
    stop_some(m, false);
    while (services_flush(m) && stop_waits(m, true, 0))
        continue;
    loop_remove(&m->loop, &m->events_watch);
    event_sender_release(&m->events);
    stop_some(m, true);
}
