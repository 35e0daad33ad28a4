/* The signals of master, and the processes that it reaps: its own children, and
 * the sessions, which gate forks for it. For each process that has ended,
 * reap_children() calls the part of master to which it belongs. */
#include "generations.h"

#include <signal.h>
#include <sys/wait.h>

#include "sessions/sessions.h"

static void reap_children(void *owner)
{
    struct master *m = owner;
    struct session_table *t = m->sessions;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct child *child = children_by_pid(m, pid);
        const bool errand = errand_reaped(m, pid, status);
        const bool hung = hanging_reaped(&t->hanging, pid);

        if (!sessions_reaped(t, pid, status) && !child && !errand && !hung) {
            t->stranger[pid % STRANGERS] = pid;
            t->stranger_status[pid % STRANGERS] = status;
        }
        if (child)
            child_reaped(child, status);
    }
}

static const struct signals_row rows[] = {
    { SIGTERM, stop_begin },
    { SIGINT, stop_begin },
    { SIGCHLD, reap_children },
};

int signals_watch(struct master *m)
{
    signal(SIGHUP, SIG_IGN); /* meant for the supervisor */
    return signals_open(&m->signals, &m->loop, rows,
                        sizeof(rows) / sizeof(rows[0]), m);
}
