/* One generation, as the supervisor sees it: the start of its master, its
 * messages, its end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"
#include "supervisor.h"

#define GENERATION_KILLS 2

static int generation_on_hello(void *owner, struct msg_hello *m)
{
    struct generation *g = owner;

    if (m->version == GENERATION_VERSION)
        return 0;
    g->channel.wrong = GENERATION_FOREIGN;
    return -EPROTO;
}

/* Keeps a descriptor. A starting master names each descriptor once. Later
 * messages may replace a descriptor, but never a program: the supervisor
 * executes programs without a sandbox, and an attacker may control master by
 * then. */
static int generation_on_keep(void *owner, struct msg_keep *m)
{
    struct generation *g = owner;
    int fd;

    if (g->state != GENERATION_STARTING &&
        slice_starts(m->name, SLICE(GENERATION_PROGRAM))) {
        g->channel.wrong = "a program after its start";
        return -EPROTO;
    }
    fd = fd_take(&m->file);
    if (g->state == GENERATION_TAKING)
        return kept_replace(&g->kept, m->name, fd);
    if (g->state == GENERATION_STARTING)
        return kept_add(&g->kept, m->name, fd);
    if (g->state != GENERATION_OLD)
        return kept_replace(&g->supervisor->kept, m->name, fd);
    /* The supervisor keeps only the newest generation's descriptors. */
    close(fd);
    return 0;
}

static int generation_on_start_failed(void *owner, struct msg_start_failed *m)
{
    struct generation *g = owner;

    complain(&g->failure, "%.*s", (int)m->why.len, m->why.ptr);
    return 0;
}

static int generation_on_up(void *owner, struct msg_up *m)
{
    struct generation *g = owner;

    (void)m;
    g->channel.phase = PHASE_RUN;
    takeover_begin(g);
    return 0;
}

static int generation_on_renew(void *owner, struct msg_renew *m)
{
    struct generation *g = owner;

    start_reload(g->supervisor, g, m->request);
    return 0;
}

static const struct handler generation_handlers[] = {
    ON(hello, generation_on_hello),
    ON(keep, generation_on_keep),
    ON(start_failed, generation_on_start_failed),
    ON(up, generation_on_up),
    ON(leading, start_on_leading),
    ON(renew, generation_on_renew),
};

struct board_row *generation_row(const struct generation *g)
{
    struct supervisor *s = g->supervisor;

    return &s->board->row[g - s->generation];
}

void generation_set_timer(struct generation *g, uint64_t ms)
{
    loop_timer_set(&g->supervisor->loop, &g->timer, ms);
}

bool generation_lives(const struct generation *g)
{
    return g->state != GENERATION_NONE && g->state != GENERATION_ENDED;
}

static void generation_hang_up(struct generation *g)
{
    loop_remove(&g->supervisor->loop, &g->watch);
    channel_close(&g->channel);
}

/* Returns true if a message was lost for lack of a descriptor or memory. */
static bool lacks_something(int r)
{
    return r == -EMFILE || r == -ENOMEM;
}

/* Handles R, the result of a dispatch. A master that closed its channel ends by
 * itself. If a descriptor was lost, the supervisor kills a starting master,
 * since it needs all its descriptors; later the supervisor keeps the older
 * copy. After any other failure the supervisor kills master. */
static void generation_has_read(struct generation *g, int r)
{
    const char *why = r == -EPROTO ? g->channel.wrong : strerror(-r);

    if (r == 0)
        return;
    if (g->state != GENERATION_STARTING && lacks_something(r)) {
        stderr_print("generation %llu: a descriptor isn't kept: %s",
                     (unsigned long long)g->number, why);
        return;
    }
    g->other_version = r == -EPROTO;
    if (r != -EPIPE) {
        stderr_print("generation %llu: %s", (unsigned long long)g->number, why);
        complain(&g->failure, "sallyportd: %s%s", why,
                 r == -EMFILE ? " (LimitNOFILE=, ulimit -Hn)" : "");
        generation_kill(g);
    }
    generation_hang_up(g);
}

static void generation_on_readable(void *owner, uint32_t events)
{
    struct generation *g = owner;

    (void)events;
    generation_has_read(g, DISPATCH(&g->channel, generation_handlers, g));
}

/* Kills the processes of G, log among them. */
static void generation_kill_log(const struct generation *g)
{
    generation_kill(g);
    if (g->state != GENERATION_STARTING && g->kills == 0)
        stderr_print("generation %llu is killed, and its log may lack lines",
                     (unsigned long long)g->number);
}

void generation_outlived(struct generation *g)
{
    generation_kill_log(g);
    if (++g->kills < GENERATION_KILLS)
        generation_set_timer(g, g->supervisor->deadlines.group);
}

static void generation_on_timer(void *owner)
{
    static const char *const late[GENERATION_ENDED + 1] = {
        [GENERATION_STARTING] = "it was not ready in time",
        [GENERATION_TAKING] = "it has not taken over in time",
        [GENERATION_OLD] = "it has not ended in time",
    };
    struct generation *g = owner;

    if (g->state == GENERATION_ENDED)
        generation_outlived(g);
    else if (late[g->state])
        generation_give_up(g, late[g->state]);
}

/* Runs in the child: puts the two descriptors in their places; kept descriptors
 * stay at their numbers. The kernel kills a master when the supervisor ends. A
 * recovery executes the same program as before, since a package may be half
 * installed. */
static noreturn void become_master(const struct supervisor *s, bool recovery,
                                   pid_t parent, int channel, int names)
{
    sigset_t none;
    int a = fcntl(channel, F_DUPFD_CLOEXEC, GENERATION_FIRST_FD);
    int b = fcntl(names, F_DUPFD_CLOEXEC, GENERATION_FIRST_FD);

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(EX_OSERR);
    if (setpgid(0, 0) < 0 || a < 0 || b < 0 ||
        dup2(a, GENERATION_CHANNEL_FD) < 0 ||
        dup2(b, GENERATION_NAMES_FD) < 0 || kept_pass_on(&s->kept) < 0)
        die(EX_OSERR, "can't start a generation: %s", strerror(errno));
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    s->execute(s, recovery ? kept_find(&s->kept, GENERATION_MASTER) : -1);
    die(EX_OSERR, "%s: can't be executed: %s", s->program, strerror(errno));
}

/* Returns the master's pid, or -errno. *channel gets the supervisor's end of
 * the channel, which the caller owns. */
static pid_t fork_master(const struct supervisor *s, bool recovery,
                         int *channel)
{
    const char *heading = recovery ? "recovery" : "generation";
    FD_CLEANUP int names = kept_names(&s->kept, heading, s->last + 1);
    int ends[2];
    pid_t pid = names < 0 ? names : fd_pair(ends), parent = getpid();

    if (pid < 0)
        return pid;
    pid = fork();
    if (pid == 0)
        become_master(s, recovery, parent, ends[1], names);
    fd_close(&ends[1]);
    *channel = ends[0];
    if (pid < 0)
        fd_close(channel);
    return pid < 0 ? -errno : pid;
}

/* The board is the supervisor's own: no generation can replace it for the next
 * generation. */
struct generation *generation_start(struct supervisor *s, bool recovery)
{
    struct generation *g = s->generation, *end = g + GENERATION_PLACES;
    int channel = -1, board = fcntl(s->board_fd, F_DUPFD_CLOEXEC, 0);
    pid_t pid =
        board < 0 ? -errno : kept_replace(&s->kept, SLICE(BOARD_NAME), board);

    while (g < end && g->state != GENERATION_NONE)
        g++;
    if (g == end)
        pid = -EAGAIN;
    if (pid == 0) {
        *generation_row(g) = (struct board_row){ .generation = s->last + 1 };
        pid = fork_master(s, recovery, &channel);
        if (pid < 0)
            *generation_row(g) = (struct board_row){ 0 };
    }
    if (pid < 0) {
        stderr_print("can't start a generation: %s", strerror(-pid));
        return NULL;
    }
    setpgid(pid, pid); /* the child calls it, too: the first call counts */
    *g = (struct generation){
        .supervisor = s,
        .state = GENERATION_STARTING,
        .number = ++s->last,
        .pid = pid,
        .recovers = recovery,
        .timer = { .on_timer = generation_on_timer, .owner = g },
    };
    channel_init(&g->channel, channel, PROCESS_SUPERVISOR, PROCESS_MASTER,
                 PHASE_START);
    generation_set_timer(g, s->deadlines.start);
    if (loop_add_reader(&s->loop, &g->watch, channel, generation_on_readable,
                        g) < 0)
        generation_kill(g);
    return g;
}

void generation_kill(const struct generation *g)
{
    if (g->state != GENERATION_NONE)
        kill(-g->pid, SIGKILL);
}

static void generation_end(struct generation *g, int status)
{
    generation_hang_up(g);
    g->status = status;
    generation_set_timer(g, g->supervisor->deadlines.group);
    start_on_ended(g);
}

/* Reads the last messages of G first. One of them may be skipped for lack of a
 * descriptor; later messages still count. */
void generation_reaped(struct generation *g, int status)
{
    bool again = true;

    while (again && g->channel.fd >= 0) {
        int r =
            DISPATCH_MOST(&g->channel, generation_handlers, g, DISPATCH_ALL);

        again = lacks_something(r);
        generation_has_read(g, r);
    }
    generation_end(g, status);
}

void generation_give_up(struct generation *g, const char *why)
{
    complain(&g->failure, "%s", why);
    generation_kill_log(g);
    generation_end(g, W_EXITCODE(0, SIGKILL));
}

/* The kernel doesn't reuse a group's number while a process of that group
 * lives. */
void generation_free_if_ended(struct generation *g)
{
    if (g->state == GENERATION_ENDED &&
        (g->kills == GENERATION_KILLS ||
         (kill(-g->pid, 0) < 0 && errno == ESRCH)))
        generation_release(g);
}

void generation_release(struct generation *g)
{
    if (g->state == GENERATION_NONE)
        return;
    generation_hang_up(g);
    loop_timer_clear(&g->supervisor->loop, &g->timer);
    kept_release(&g->kept);
    *generation_row(g) = (struct board_row){ 0 };
    *g = (struct generation){ .supervisor = g->supervisor };
}
