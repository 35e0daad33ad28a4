/* Stopping, in master: no new connection, a word to every session, a deadline
 * for each step. */
#include "stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "children/children.h"
#include "control/control.h"
#include "drain.h"
#include "older.h"
#include "sallyport/base/clock.h"

void stop_settle(struct master *m)
{
    if (m->state == MASTER_STOPPING && m->sessions->used == 0)
        loop_stop(&m->loop);
    drain_settle(m);
}

void stop_begin(struct master *m)
{
    struct child *gate = children_gate(m);
    bool again = m->state == MASTER_STOPPING;

    m->state = MASTER_STOPPING;
    older_release(m); /* they are told the same by the supervisor */
    if (again || m->sessions->used == 0) {
        loop_stop(&m->loop);
        return;
    }
    if (gate)
        SEND(&gate->channel, stop_accepting, 0);
    loop_timer_set(&m->loop, &m->deadline, m->deadlines.stop);
    for (size_t i = 0; i < m->sessions->size; i++)
        session_kick(&m->sessions->all[i], ENDING_SHUTDOWN);
}

static bool is_there(const struct master *m, bool log)
{
    for (size_t i = 0; i < m->children->count; i++)
        if (m->children->child[i].pid > 0 &&
            (m->children->child[i].row->process == PROCESS_LOG) == log)
            return true;
    return false;
}

static void wait_for(struct master *m, bool log)
{
    uint64_t end = clock_ms() + m->deadlines.kick;
    struct pollfd one = { .fd = m->signals.fd, .events = POLLIN };

    while (is_there(m, log)) {
        uint64_t now = clock_ms();

        if (now >= end)
            return;
        if (poll(&one, 1, (int)(end - now)) > 0) {
            struct loop_watch *w = &m->signals;

            w->on_ready(w->owner, POLLIN);
        }
    }
}

static void release_master(struct master *m, bool log)
{
    for (size_t i = 0; i < m->children->count; i++)
        if ((m->children->child[i].row->process == PROCESS_LOG) == log)
            child_release(&m->children->child[i]);
}

static void kill_rest(struct master *m, bool log)
{
    for (size_t i = 0; i < m->children->count; i++)
        if (m->children->child[i].pid > 0 &&
            (m->children->child[i].row->process == PROCESS_LOG) == log) {
            kill(m->children->child[i].pid, SIGKILL);
            waitpid(m->children->child[i].pid, NULL, 0);
            m->children->child[i].pid = 0;
        }
}

static void end_sessions(struct master *m)
{
    for (size_t i = 0; i < m->sessions->size; i++) {
        struct session *s = &m->sessions->all[i];

        if (s->state == SESSION_FREE)
            continue;
        home_kill(&s->home);
        home_close(&s->home);
        session_end(s);
    }
}

void stop_children(struct master *m)
{
    bool drained = m->state == MASTER_DRAINING;

    m->state = MASTER_STOPPING;
    if (m->status == 0 && !m->check)
        master_report(m, EVENT_SERVICE, PROCESS_MASTER, "%s",
                      drained ? "ends: a newer generation has taken over, and "
                                "its own last session has ended"
                              : "stops");
    if (m->sessions->all)
        end_sessions(m);
    control_stop(m->control);
    release_master(m, false);
    wait_for(m, false);
    kill_rest(m, false);
    loop_remove(&m->loop, &m->events_watch);
    event_sender_release(&m->events);
    release_master(m, true);
    wait_for(m, true);
    kill_rest(m, true);
}
