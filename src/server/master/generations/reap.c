/* The signals of master, and the processes that it reaps: its own children, and
 * the sessions of a gate that has ended, since master is their subreaper. Then
 * the part of master to which the process belongs is called. */
#include "generations.h"

#include <signal.h>
#include <sys/wait.h>

#include "sessions/sessions.h"

/* The sessions of a gate that has ended. */

/* The session is a child of master now, which is its subreaper. */
static void orphan_begin(struct session_record *s)
{
    struct master *m = s->master;
    bool must_die = s->news & NEWS_KILL;
    int status = 0;

    session_forget_news(s);
    /* Gate has reported the pid. Only a child of master that nobody else here
     * started may be a session. */
    s->orphan = s->pid > 1 && !errands_have(m, s->pid) &&
                !sessions_by_files(m->sessions, s->pid) &&
                !hanging_find(&m->sessions->hanging, s->pid) &&
                !children_by_pid(m, s->pid) &&
                waitpid(s->pid, &status, WNOHANG) == 0;
    if (!s->orphan)
        session_gone(s, status);
    else if (must_die)
        session_kill_process(s);
}

void gate_on_reaped(struct child *c, int status)
{
    struct master *m = c->master;

    (void)status;
    SESSIONS_EACH(m->sessions, s) {
        if (s->state == SESSION_FREE)
            continue;
        s->counts = false;
        if (s->older || s->orphan)
            session_forget_news(s);
        else
            orphan_begin(s);
        session_mark(s);
    }
}

void orphan_reaped(struct master *m, pid_t pid, int status)
{
    SESSIONS_EACH(m->sessions, s)
        if (s->orphan && s->pid == pid) {
            if (!s->counts && WIFSIGNALED(status)) /* otherwise gate logs it */
                master_report(m, EVENT_TROUBLE, PROCESS_SESSION,
                              "ended by signal %d while there was no gate, "
                              "serial %016llx",
                              WTERMSIG(status), (unsigned long long)s->serial);
            session_gone(s, status);
        }
}

/* All of master's children. */

static void reap_children(void *owner)
{
    struct master *m = owner;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct session_record *s = sessions_by_files(m->sessions, pid);
        struct child *child = children_by_pid(m, pid);

        errand_reaped(m, pid, status);
        if (s)
            files_reaped(&s->files, status);
        else if (!hanging_reaped(&m->sessions->hanging, pid))
            orphan_reaped(m, pid, status);
        if (child)
            child_reaped(child, status);
    }
}

static void stop_on_signal(void *m)
{
    stop_begin(m);
}

static const struct signals_row rows[] = {
    { SIGTERM, stop_on_signal },
    { SIGINT, stop_on_signal },
    { SIGCHLD, reap_children },
};

int signals_watch(struct master *m)
{
    signal(SIGHUP, SIG_IGN); /* meant for the supervisor */
    return signals_open(&m->signals, &m->loop, rows,
                        sizeof(rows) / sizeof(rows[0]), m);
}
