/* The supervisor's loop: signals, the end of the service, its deadline. The
 * supervisor ends only with the last generation. start.c decides which
 * generation starts and which generation leads. */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"

/* Kills all generations at the deadline of a stop, again and again until no
 * generation is left: a process that hangs on a disk must not delay the end of
 * the service. */
static void supervisor_on_deadline(void *owner)
{
    struct supervisor *s = owner;

    GENERATIONS_EACH(s, g)
        if (generation_lives(g))
            generation_give_up(g, "it has not ended in time");
        else if (g->state == GENERATION_ENDED)
            generation_outlived(g);
    loop_timer_set(&s->loop, &s->deadline, s->deadlines.gone);
}

/* SIGHUP: starts a reload. A generation that is starting may have read the
 * configuration already; then another generation follows. */
static void supervisor_on_hangup(void *supervisor)
{
    start_reload(supervisor, NULL, 0);
}

/* Runs at the end of each turn of the loop: frees the places of generations
 * that have ended. The service ends with the last generation. */
static void supervisor_sweep(void *owner)
{
    struct supervisor *s = owner;
    bool left = false;

    GENERATIONS_EACH(s, g) {
        generation_free_if_ended(g);
        left |= g->state != GENERATION_NONE;
    }
    if (!left && (s->stopping || !s->led))
        loop_stop(&s->loop);
}

/* Reaps all children. A process that isn't a master is an orphan of a
 * generation. */
static void supervisor_reap(void *owner)
{
    struct supervisor *s = owner;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        GENERATIONS_EACH(s, g)
            if (g->pid == pid && g->state != GENERATION_ENDED)
                generation_reaped(g, status);
}

/* Stops the service. The second request doesn't wait for sessions. */
static void supervisor_stop(void *owner)
{
    struct supervisor *s = owner;

    if (!s->stopping) {
        notify_send(s->notify_fd, "STOPPING=1");
        loop_timer_set(&s->loop, &s->deadline, s->deadlines.stop);
    }
    s->stopping = true;
    GENERATIONS_EACH(s, g)
        if (generation_lives(g))
            kill(g->pid, SIGTERM);
}

static const struct signals_row signal_rows[] = {
    { SIGTERM, supervisor_stop },
    { SIGINT, supervisor_stop },
    { SIGHUP, supervisor_on_hangup },
    { SIGCHLD, supervisor_reap },
};

static void execute_master(const struct supervisor *s, int master)
{
    if (master >= 0)
        execveat(master, "", s->argv, environ, AT_EMPTY_PATH);
    else
        execv(s->program, s->argv);
}

int supervisor_init(struct supervisor *s, const char *program,
                    char *const *argv)
{
    struct rlimit limit;
    int r;

    *s = (struct supervisor){ .program = program,
                              .execute = execute_master,
                              .argv = argv,
                              .notify_fd = -1,
                              .board_fd = -1,
                              .signals.watch.fd = -1 };
#define DEADLINE_MS(name, ms) .name = (ms),
    s->deadlines =
        (struct supervisor_deadlines){ SUPERVISOR_DEADLINES(DEADLINE_MS) };
    s->deadline =
        (struct loop_timer){ .on_timer = supervisor_on_deadline, .owner = s };
    start_init(s);
    heartbeat_init(s);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) { /* all kept descriptors need
                                                  * it */
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    GENERATIONS_EACH(s, g)
        g->supervisor = s;
    s->board_fd = board_make();
    r = s->board_fd < 0
            ? s->board_fd
            : SHARED_MAP(s->board, s->board_fd, PROT_READ | PROT_WRITE);
    if (r == 0)
        r = loop_init(&s->loop);
    s->loop.on_turn_over = supervisor_sweep;
    s->loop.owner = s;
    if (r == 0)
        r = signals_open(&s->signals, &s->loop, signal_rows,
                         sizeof(signal_rows) / sizeof(signal_rows[0]), s);
    if (r == 0 && notify_open(&s->notify_fd, getenv("NOTIFY_SOCKET")) < 0)
        stderr_print(
            "NOTIFY_SOCKET can't be reached: systemd won't learn of the start");
    return r;
}

int supervisor_run(struct supervisor *s)
{
    s->status = EX_OSERR;
    start_now(s, false);
    if (!s->under_way)
        return s->status;
    if (loop_run(&s->loop) < 0)
        die(EX_OSERR, "the event loop failed");
    return s->status;
}

void supervisor_release(struct supervisor *s)
{
    GENERATIONS_EACH(s, g)
        generation_release(g);
    loop_timer_clear(&s->loop, &s->deadline);
    loop_timer_clear(&s->loop, &s->recoveries.timer);
    loop_timer_clear(&s->loop, &s->heartbeat.timer);
    kept_release(&s->kept);
    SHARED_UNMAP(s->board);
    fd_close(&s->board_fd);
    signals_close(&s->signals, &s->loop);
    fd_close(&s->notify_fd);
    loop_release(&s->loop);
}
