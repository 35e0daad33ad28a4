/* Sessions, in gate: the table of the sessions that it serves, each from its
 * fork to the report of its end. An attacker may control a session: gate
 * answers it, ignores it or kills it, and never waits for it. */
#include "gate.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/random.h"

int children_init(struct gate *g)
{
    struct gate_children *t = &g->children;

    t->size = g->places;
    t->buckets = table_buckets(t->size);
    STAILQ_INIT(&t->unused);
    STAILQ_INIT(&t->ended);
    TAILQ_INIT(&t->waiting);
    t->slot = table_new(t->size, sizeof(*t->slot));
    t->serial = table_new(t->buckets, sizeof(*t->serial));
    t->pid = table_new(t->buckets, sizeof(*t->pid));
    if (!t->slot || !t->serial || !t->pid) {
        children_release(g);
        return -ENOMEM;
    }
    for (size_t i = 0; i < t->size; i++)
        STAILQ_INSERT_TAIL(&t->unused, &t->slot[i], next);
    return 0;
}

void children_release(struct gate *g)
{
    struct gate_children *t = &g->children;

    for (size_t i = 0; t->slot && i < t->size; i++)
        if (t->slot[i].gate)
            channel_close(&t->slot[i].channel);
    table_free(t->slot, t->size, sizeof(*t->slot));
    table_free(t->serial, t->buckets, sizeof(*t->serial));
    table_free(t->pid, t->buckets, sizeof(*t->pid));
    *t = (struct gate_children){ 0 };
}

static struct child_list *children_of_serial(struct gate_children *t,
                                             uint64_t serial)
{
    return &t->serial[serial & (t->buckets - 1)];
}

static struct child_list *children_of_pid(struct gate_children *t, pid_t pid)
{
    return &t->pid[(size_t)pid & (t->buckets - 1)];
}

struct gate_child *children_find(struct gate *g, uint64_t serial)
{
    struct gate_child *c;

    LIST_FOREACH(c, children_of_serial(&g->children, serial), by_serial)
        if (c->serial == serial)
            return c;
    return NULL;
}

static struct gate_child *children_find_pid(struct gate *g, pid_t pid)
{
    struct gate_child *c;

    LIST_FOREACH(c, children_of_pid(&g->children, pid), by_pid)
        if (c->pid == pid)
            return c;
    return NULL;
}

void children_each(struct gate *g, void (*visit)(struct gate_child *c))
{
    const struct gate_children *t = &g->children;

    for (size_t i = 0; i < t->size; i++)
        if (t->slot[i].gate && t->slot[i].channel.fd >= 0)
            visit(&t->slot[i]);
}

/* Returns a random serial, which reveals nothing about other sessions. 0 means:
 * none. */
static uint64_t new_serial(struct gate *g)
{
    uint64_t serial;

    do
        random_bytes(&serial, sizeof(serial));
    while (serial == 0 || children_find(g, serial));
    return serial;
}

/* Sets the members that all kinds of sessions have in common. */
static struct gate_child *children_take(struct gate *g, uint64_t serial,
                                        const struct address *peer)
{
    struct gate_children *t = &g->children;
    struct gate_child *c = STAILQ_FIRST(&t->unused);

    if (!c)
        return NULL;
    STAILQ_REMOVE_HEAD(&t->unused, next);
    *c = (struct gate_child){ .gate = g,
                              .serial = serial,
                              .ending = ENDING_CRASH,
                              .born = clock_ms(),
                              .peer = *peer,
                              .known = true,
                              .channel.fd = -1,
                              .active.fd = -1 };
    LIST_INSERT_HEAD(children_of_serial(t, serial), c, by_serial);
    return c;
}

static void child_enter(struct gate_child *c, const struct address *local,
                        bool proxied, bool known)
{
    c->local = c->server = *local;
    c->proxied = proxied;
    c->known = known;
    limits_enter(&c->gate->limits, known ? &c->peer : NULL);
    if (known)
        child_begin_wait(c);
}

struct gate_child *children_add(struct gate *g, const struct address *peer,
                                const struct address *local, bool proxied)
{
    struct gate_child *c = children_take(g, new_serial(g), peer);

    if (c)
        child_enter(c, local, proxied, !proxied);
    return c;
}

/* If the table is full, the session isn't counted. That lasts only a moment:
 * more sessions live than the largest max_sessions so far. */
int children_on_elder(void *owner, struct msg_elder *m)
{
    struct gate *g = owner;
    struct gate_child *c = children_find(g, m->serial)
                               ? NULL
                               : children_take(g, m->serial, &m->peer);

    if (!c)
        return 0;
    c->elder = true;
    limits_enter(&g->limits, &m->peer);
    limits_end_wait(&g->limits, &m->peer);
    return 0;
}

/* Frees the session's place. */
static void children_put_back(struct gate_child *c)
{
    struct gate_children *t = &c->gate->children;

    *c = (struct gate_child){ 0 };
    STAILQ_INSERT_HEAD(&t->unused, c, next);
}

bool children_evict_one(struct gate *g, const struct address *peer)
{
    uint64_t lead = limits_lead(&g->limits, peer);
    uint64_t age = lead > 1 ? 0 : g->settings.login_timeout / 4;
    struct gate_child *c = TAILQ_FIRST(&g->children.waiting);

    while (c && !limits_is_heaviest(&g->limits, &c->peer))
        c = TAILQ_NEXT(c, waiting);
    if (!c || lead == 0 || clock_ms() < c->waits + age)
        return false;
    child_kill(c, ENDING_CROWDED);
    return true;
}

/* If master doesn't read, the rest stays in the queue. Nothing is lost, since a
 * session keeps its place in the table until it has been reported. */
int children_report(struct gate *g)
{
    struct gate_children *t = &g->children;
    struct gate_child *c;

    while ((c = STAILQ_FIRST(&t->ended))) {
        if (!c->adopted && c->announced &&
            SEND(&g->frame.master, session_gone, 0, .serial = c->serial,
                 .status = (unsigned)c->status) == -EAGAIN)
            break;
        STAILQ_REMOVE_HEAD(&t->ended, next);
        children_put_back(c);
    }
    return c ? -EAGAIN : 0;
}

void child_begin_wait(struct gate_child *c)
{
    c->waits = clock_ms();
    TAILQ_INSERT_TAIL(&c->gate->children.waiting, c, waiting);
}

static void child_end_wait(struct gate_child *c)
{
    if (!c->waits)
        return;
    c->waits = 0;
    TAILQ_REMOVE(&c->gate->children.waiting, c, waiting);
    limits_end_wait(&c->gate->limits, &c->peer);
    queue_wake(c->gate);
}

/* From now on no limit counts the session. */
static void child_leave(struct gate_child *c)
{
    LIST_REMOVE(c, by_serial);
    child_end_wait(c);
    limits_leave(&c->gate->limits, c->known ? &c->peer : NULL);
    if (!c->known)
        entry_update_backpressure(c->gate);
}

void child_discard(struct gate_child *c)
{
    child_leave(c);
    children_put_back(c);
}

static void child_hang_up(struct gate_child *c)
{
    active_leave(c);
    pace_leave(c);
    queue_leave(c);
    loop_remove(&c->gate->frame.loop, &c->watch);
    loop_timer_clear(&c->gate->frame.loop, &c->pause);
    channel_close(&c->channel);
}

void child_kill(struct gate_child *c, enum ending why)
{
    c->ending = why;
    if (!c->adopted)
        kill(c->pid, SIGKILL); /* before its channel closes, so that it sends
                                * nothing more */
    child_end_wait(c);
    child_hang_up(c);
    loop_timer_clear(&c->gate->frame.loop, &c->timer);
    if (c->adopted && SEND(&c->gate->frame.master, kill_adopted, 0,
                           .serial = c->serial) == -EAGAIN)
        loop_timer_set(&c->gate->frame.loop, &c->timer, CHILD_RETRY_MS);
}

void child_wrong(struct gate_child *c, const char *what)
{
    report_wrong(c, what);
    child_kill(c, ENDING_PEER);
}

void child_answered(struct gate_child *c, int r)
{
    if (r == -EAGAIN)
        child_wrong(c, "doesn't read its answers");
}

/* Ends a session that doesn't log in in time, or lives on without its channel:
 * an attacker may control it, and its place would be lost. */
static void child_on_timer(void *owner)
{
    struct gate_child *c = owner;

    if (c->channel.fd >= 0)
        child_kill(c, ENDING_LOGIN_TIME);
    else
        child_kill(c, c->ending == ENDING_CRASH ? ENDING_PEER : c->ending);
}

void child_logged_in(struct gate_child *c)
{
    if (c->logged_in)
        return;
    c->logged_in = true;
    child_end_wait(c);
    if (c->channel.fd < 0)
        return;
    c->channel.phase = PHASE_USER;
    loop_timer_clear(&c->gate->frame.loop, &c->timer);
    tickets_send(c);
}

static const struct handler child_handlers[] = {
    ON(admit, entry_on_admit),
    ON(port, lend_on_port),
    ON(active, active_on_active),
    ON(active_close, active_on_close),
    ON(transfer_begin, pace_on_transfer_begin),
    ON(transfer_end, pace_on_transfer_end),
    ON(bytes_ask, pace_on_bytes_ask),
};

static void child_on_pause_over(void *owner)
{
    struct gate_child *c = owner;

    loop_change(&c->gate->frame.loop, &c->watch, EPOLLIN);
}

#define SECOND_US UINT64_C(1000000)

/* Counts messages of any kind: the cost of a flood depends on their number. */
static bool child_is_too_fast(struct gate_child *c)
{
    if (debt_take(&c->messages, SECOND_US / CHILD_MESSAGES, SECOND_US,
                  clock_us()) == 0)
        return false;
    loop_change(&c->gate->frame.loop, &c->watch, 0);
    loop_timer_set(&c->gate->frame.loop, &c->pause, CHILD_PAUSE_MS);
    return true;
}

/* Reads one message in a turn of the loop. After the end of the channel it
 * reads the last messages without a pause: no more will come. */
static void child_on_readable(void *owner, uint32_t events)
{
    struct gate_child *c = owner;
    struct message m;
    int r;

    if (!(events & (EPOLLHUP | EPOLLERR)) && child_is_too_fast(c))
        return;
    r = channel_receive(&c->channel, &m);
    if (r > 0)
        r = channel_handle(&c->channel, child_handlers,
                           sizeof(child_handlers) / sizeof(*child_handlers), c,
                           &m);
    if (r == 0)
        return;
    if (r == -EPIPE) { /* it is ending */
        child_hang_up(c);
        loop_timer_set(&c->gate->frame.loop, &c->timer, CHILD_GRACE_MS);
        return;
    }
    child_wrong(c,
                r == -EPROTO ? c->channel.wrong : "doesn't read its answers");
}

/* From now on gate reads the session's messages. */
static void child_serve(struct gate_child *c, int fd)
{
    c->timer = (struct loop_timer){ .on_timer = child_on_timer, .owner = c };
    c->pause =
        (struct loop_timer){ .on_timer = child_on_pause_over, .owner = c };
    channel_init(&c->channel, fd, PROCESS_GATE, PROCESS_SESSION,
                 c->known ? PHASE_RUN : PHASE_START);
    loop_timer_set(&c->gate->frame.loop, &c->timer,
                   c->gate->settings.login_timeout + CHILD_LATE_MS);
    if (loop_add_reader(&c->gate->frame.loop, &c->watch, fd, child_on_readable,
                        c) < 0)
        child_kill(c, ENDING_PEER);
}

void child_born(struct gate_child *c, pid_t pid, int fd)
{
    c->pid = pid;
    LIST_INSERT_HEAD(children_of_pid(&c->gate->children, pid), c, by_pid);
    child_serve(c, fd);
}

/* There is a place for each session of the earlier gate. */
int children_on_adopt(void *owner, struct msg_adopt *m)
{
    struct gate *g = owner;
    uint64_t now = clock_ms();
    struct gate_child *c = children_find(g, m->serial)
                               ? NULL
                               : children_take(g, m->serial, &m->peer);

    if (!c)
        return 0;
    c->adopted = c->announced = true;
    child_enter(c, &m->local, m->proxied, m->known);
    c->server = m->server;
    c->born = m->age < now ? now - m->age : 0;
    child_serve(c, fd_take(&m->session));
    if (m->logged_in)
        child_logged_in(c);
    return 0;
}

void child_ended(struct gate_child *c, int status)
{
    child_hang_up(c);
    loop_timer_clear(&c->gate->frame.loop, &c->timer);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM &&
        c->ending == ENDING_CRASH)
        c->ending = ENDING_HUNG; /* its own timer */
    /* Report nothing if master was never told of the session: it was refused,
     * which is logged, and its client isn't to blame. */
    if (c->announced && WIFSIGNALED(status)) /* the session logs any other
                                              * end */
        report_death(c, WTERMSIG(status));
    if (c->announced)
        admit_count_fruitless(c, status);
    child_leave(c);
    c->status = status;
    /* children_report() reports the end to master, now or when master reads
     * again, and frees the record. */
    STAILQ_INSERT_TAIL(&c->gate->children.ended, c, next);
    gate_watch_master(c->gate);
}

int children_on_reaped(void *owner, struct msg_reaped *m)
{
    struct gate *g = owner;
    struct gate_child *c = children_find(g, m->serial);

    if (c && c->elder)
        child_discard(c);
    else if (c && c->adopted)
        child_ended(c, (int)m->status);
    children_report(g);
    return 0;
}

void children_reap(void *gate)
{
    struct gate *g = gate;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct gate_child *c = children_find_pid(g, pid);

        if (!c)
            continue;
        LIST_REMOVE(c, by_pid);
        child_ended(c, status);
    }
    children_report(g);
    entry_update_backpressure(g);
}
