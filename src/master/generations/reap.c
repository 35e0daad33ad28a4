/* The signals of master: its children's ends, and its own. */
#include "reap.h"

#include <signal.h>
#include <sys/wait.h>

#include "children/children.h"
#include "control/control.h"
#include "drain.h"
#include "sessions/session.h"
#include "stop.h"

static void reap_children(void *owner)
{
    struct master *m = owner;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct session *s = sessions_by_files(m->sessions, pid);
        struct home *asked = control_home(m->control, pid);
        struct child *child = children_by_pid(m, pid);

        if (pid == m->survey)
            m->survey = 0;
        if (s)
            home_reaped(&s->home, status);
        if (asked)
            home_reaped(asked, status);
        if (!s && !asked)
            drain_reaped(m, pid, status);
        if (child)
            child_reaped(child, status);
    }
}

/* From the supervisor: a recovery needs the place of this generation, the
 * oldest one. */
static void reap_on_int(void *owner)
{
    struct master *m = owner;

    if (m->state == MASTER_DRAINING)
        drain_at_once(m);
    else
        stop_begin(m);
}

static void reap_on_term(void *m)
{
    stop_begin(m);
}

static const struct signals_row rows[] = {
    { SIGTERM, reap_on_term },
    { SIGINT, reap_on_int },
    { SIGCHLD, reap_children },
};

int reap_start(struct master *m)
{
    signal(SIGHUP, SIG_IGN); /* meant for the supervisor */
    return signals_open(&m->signals, &m->loop, rows,
                        sizeof(rows) / sizeof(rows[0]), m);
}
