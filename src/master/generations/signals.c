/* Signals, in master. They are read from a descriptor, so that no code runs
 * inside a handler. */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "children/children.h"
#include "control/control.h"
#include "drain.h"
#include "sallyport/base/fd.h"
#include "sessions/session.h"
#include "stop.h"

static void signals_reap(struct master *m)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct session *s = sessions_by_files(m->sessions, pid);
        struct home *asked = control_home(m->control, pid);
        struct child *child = children_by_pid(m, pid);

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
static void signals_on_int(struct master *m)
{
    if (m->state == MASTER_DRAINING)
        drain_at_once(m);
    else
        stop_begin(m);
}

static const struct {
    int number;
    void (*handle)(struct master *m);
} rows[] = {
    { SIGTERM, stop_begin },
    { SIGINT, signals_on_int },
    { SIGCHLD, signals_reap },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void signals_on_readable(void *owner, uint32_t events)
{
    struct master *m = owner;
    struct signalfd_siginfo info;

    (void)events;
    while (read(m->signals.fd, &info, sizeof(info)) == sizeof(info))
        for (size_t i = 0; i < ROWS; i++)
            if ((int)info.ssi_signo == rows[i].number)
                rows[i].handle(m);
}

int signals_open(struct master *m)
{
    sigset_t set;
    int fd, r;

    signal(SIGPIPE, SIG_IGN); /* the reader of standard error may end */
    signal(SIGHUP, SIG_IGN);  /* meant for the supervisor */
    sigemptyset(&set);
    for (size_t i = 0; i < ROWS; i++)
        sigaddset(&set, rows[i].number);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    r = loop_add_reader(&m->loop, &m->signals, fd, signals_on_readable, m);
    if (r < 0)
        fd_close(&m->signals.fd);
    return r;
}

void signals_close(struct master *m)
{
    loop_remove(&m->loop, &m->signals);
    fd_close(&m->signals.fd);
}
