/* Lookup at work: a question of master is a fork with a deadline, whose answer
 * comes by a pipe. What that fork says is believed as far as an address goes;
 * whatever it does, it is killed and reaped before the next one. */
#include "lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"

static void on_late(void *owner);

void lookup_init(struct lookup *n, int fd)
{
    *n = (struct lookup){ .loop.epoll_fd = -1,
                          .answer = -1,
                          .look = lookup_host,
                          .look_ms = LOOKUP_MS };
    channel_init(&n->master, fd, PROCESS_LOOKUP, PROCESS_MASTER, PHASE_START);
    event_sender_init(&n->log, -1, PROCESS_LOOKUP);
    n->deadline = (struct loop_timer){ .on_time = on_late, .owner = n };
}

static void tell_death(struct lookup *n, int signal)
{
    struct event_record r;
    char reason[64];

    snprintf(reason, sizeof(reason), "a lookup ended by signal %d", signal);
    event_begin(&r, EVENT_CHILD);
    event_text(&r, FIELD_REASON, slice_from(reason));
    event_send(&n->log, &r);
}

/* It has answered, or won't: nothing of it stays. */
static void end_lookup(struct lookup *n)
{
    int status = 0;

    if (n->lookup == 0)
        return;
    loop_remove(&n->loop, &n->answer_watch);
    loop_timer_clear(&n->loop, &n->deadline);
    fd_close(&n->answer);
    kill(n->lookup, SIGKILL);
    while (waitpid(n->lookup, &status, 0) < 0 && errno == EINTR)
        ;
    n->lookup = 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
        tell_death(n, WTERMSIG(status));
}

void lookup_release(struct lookup *n)
{
    end_lookup(n);
    channel_close(&n->master);
    event_sender_release(&n->log);
    loop_release(&n->loop);
}

static void tell(struct lookup *n, const struct finding *f)
{
    int r = f->address.family != 0
                ? SEND(&n->master, resolved, n->request, .address = f->address)
                : SEND(&n->master, unresolved, n->request, .why = f->why);

    if (r < 0 && r != -EPIPE) /* one answer at a time: there is room */
        die(EX_SOFTWARE, "the answer can't be sent: %d", -r);
}

/* Four bytes or a reason, whatever else was in it. */
static struct finding sober(const struct finding *f)
{
    struct finding ret = { .why = UNRESOLVED_FAILED };

    if (lookup_usable(&f->address))
        ret.address = address_prefix(&f->address, 32);
    else if (f->address.family == 0 && f->why < UNRESOLVED_COUNT)
        ret.why = f->why;
    return ret;
}

static void on_answer(void *owner, uint32_t events)
{
    struct lookup *n = owner;
    struct finding f;
    ssize_t got = read(n->answer, &f, sizeof(f));

    (void)events;
    if (got == (ssize_t)sizeof(f))
        f = sober(&f);
    else
        f = (struct finding){ .why = UNRESOLVED_FAILED };
    end_lookup(n);
    tell(n, &f);
}

static void on_late(void *owner)
{
    struct lookup *n = owner;
    struct finding f = { .why = UNRESOLVED_LATE };

    end_lookup(n);
    tell(n, &f);
}

/* The fork. It can't fork again, and doesn't outlive lookup; of lookup's own
 * descriptors it has the one to log, for refused system calls. */
static noreturn void look_up(struct lookup *n, const char *host,
                             const struct address *kept, int pipe_end,
                             pid_t parent)
{
    const int keep[] = { pipe_end, n->log.channel.fd };
    const struct rlimit none = { 0, 0 };
    struct finding f;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it died before that */
        _exit(EX_SOFTWARE);
    fd_close_others(3, keep, n->log.channel.fd < 0 ? 1 : 2);
    if (setrlimit(RLIMIT_NPROC, &none) < 0)
        _exit(EX_OSERR);
    n->look(host, kept, &f);
    _exit(write(pipe_end, &f, sizeof(f)) == sizeof(f) ? 0 : EX_IOERR);
}

static int begin(struct lookup *n, const char *host, const struct address *kept)
{
    pid_t self = getpid();
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    n->lookup = fork();
    if (n->lookup == 0)
        look_up(n, host, kept, ends[1], self);
    fd_close(&ends[1]);
    if (n->lookup < 0) {
        n->lookup = 0;
        fd_close(&ends[0]);
        return -EAGAIN;
    }
    n->answer = ends[0];
    n->answer_watch = (struct loop_watch){
        .fd = n->answer, .events = EPOLLIN, .on_ready = on_answer, .owner = n
    };
    loop_timer_set(&n->loop, &n->deadline, n->look_ms);
    return loop_add(&n->loop, &n->answer_watch);
}

static int lookup_on_resolve(void *owner, struct msg_resolve *msg)
{
    struct lookup *n = owner;
    struct finding f = { .why = UNRESOLVED_FAILED };
    char host[MESSAGE_WORD_MAX + 1];

    if (n->lookup > 0)
        die(EX_PROTOCOL, "master asks before it was answered");
    n->request = msg->request;
    if (slice_copy(msg->host, host, sizeof(host)) == 0 &&
        begin(n, host, &msg->last) == 0)
        return 0;
    end_lookup(n);
    tell(n, &f);
    return 0;
}

static int lookup_on_log(void *owner, struct msg_log *msg)
{
    struct lookup *n = owner;

    event_sender_renew(&n->log, fd_take(&msg->log));
    return 0;
}

static const struct handler handlers[] = {
    ON(resolve, lookup_on_resolve),
    ON(log, lookup_on_log),
};

static void on_master(void *owner, uint32_t events)
{
    struct lookup *n = owner;
    int r = channel_dispatch(&n->master, handlers,
                             sizeof(handlers) / sizeof(handlers[0]), n);

    (void)events;
    if (r == -EPROTO)
        die(EX_PROTOCOL, "master sent %s", n->master.wrong);
    if (r < 0) /* master is gone, and so is the service */
        loop_stop(&n->loop);
}

int lookup_run(struct lookup *n)
{
    int r;

    n->master_watch = (struct loop_watch){
        .fd = n->master.fd, .events = EPOLLIN, .on_ready = on_master, .owner = n
    };
    r = loop_add(&n->loop, &n->master_watch);
    if (r == 0)
        r = SEND(&n->master, ready, 0);
    n->master.phase = PHASE_RUN;
    return r == 0 ? loop_run(&n->loop) : r;
}
