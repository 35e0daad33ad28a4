/* Forked sessions from birth to the report of their death. In gate. A session
 * is hostile by assumption: whatever it sends, gate answers, ignores or kills
 * it, and never waits for it. */
#include "children.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "admit.h"
#include "gate.h"
#include "lend.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/random.h"
#include "table.h"
#include "tell.h"

int children_init(struct gate *g)
{
    struct children *t = &g->children;

    t->size = g->settings.max_sessions;
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
    struct children *t = &g->children;

    for (size_t i = 0; t->slot && i < t->size; i++)
        if (t->slot[i].gate)
            channel_close(&t->slot[i].channel);
    table_free(t->slot, t->size, sizeof(*t->slot));
    table_free(t->serial, t->buckets, sizeof(*t->serial));
    table_free(t->pid, t->buckets, sizeof(*t->pid));
    *t = (struct children){ 0 };
}

static struct child_list *children_of_serial(struct children *t,
                                             uint64_t serial)
{
    return &t->serial[serial & (t->buckets - 1)];
}

static struct child_list *children_of_pid(struct children *t, pid_t pid)
{
    return &t->pid[(size_t)pid & (t->buckets - 1)];
}

struct child *child_find(struct gate *g, uint64_t serial)
{
    struct child *c;

    LIST_FOREACH(c, children_of_serial(&g->children, serial), by_serial)
    if (c->serial == serial)
        return c;
    return NULL;
}

static struct child *children_find_pid(struct gate *g, pid_t pid)
{
    struct child *c;

    LIST_FOREACH(c, children_of_pid(&g->children, pid), by_pid)
    if (c->pid == pid)
        return c;
    return NULL;
}

void children_each(struct gate *g, void (*tell)(struct child *c))
{
    const struct children *t = &g->children;

    for (size_t i = 0; i < t->size; i++)
        if (t->slot[i].gate && t->slot[i].channel.fd >= 0)
            tell(&t->slot[i]);
}

/* Random, so that a serial says nothing about others; 0 means none. */
static uint64_t new_serial(struct gate *g)
{
    uint64_t serial;

    do
        random_bytes(&serial, sizeof(serial));
    while (serial == 0 || child_find(g, serial));
    return serial;
}

struct child *child_new(struct gate *g, uint64_t serial,
                        const struct address *peer, const struct address *local,
                        bool proxied)
{
    struct children *t = &g->children;
    struct child *c = STAILQ_FIRST(&t->unused);

    if (!c)
        return NULL;
    STAILQ_REMOVE_HEAD(&t->unused, next);
    *c = (struct child){ .gate = g,
                         .serial = serial ? serial : new_serial(g),
                         .ending = ENDING_CRASH,
                         .born = clock_ms(),
                         .peer = *peer,
                         .local = *local,
                         .server = *local,
                         .proxied = proxied,
                         .known = !proxied,
                         .channel.fd = -1,
                         .active.fd = -1 };
    LIST_INSERT_HEAD(children_of_serial(t, c->serial), c, by_serial);
    limits_enter(&g->limits, c->known ? peer : NULL);
    if (c->known)
        child_waits(c);
    return c;
}

void child_waits(struct child *c)
{
    c->waits = true;
    TAILQ_INSERT_TAIL(&c->gate->children.waiting, c, waiting);
}

void child_settle(struct child *c)
{
    if (!c->waits)
        return;
    c->waits = false;
    TAILQ_REMOVE(&c->gate->children.waiting, c, waiting);
    limits_settle(&c->gate->limits, &c->peer);
    queue_wake(c->gate);
}

/* It counts no more. */
static void child_leave(struct child *c)
{
    LIST_REMOVE(c, by_serial);
    child_settle(c);
    limits_leave(&c->gate->limits, c->known ? &c->peer : NULL);
    if (!c->known)
        entry_mind_unknown(c->gate);
}

static void child_put_back(struct child *c)
{
    struct children *t = &c->gate->children;

    *c = (struct child){ 0 };
    STAILQ_INSERT_HEAD(&t->unused, c, next);
}

void child_discard(struct child *c)
{
    child_leave(c);
    child_put_back(c);
}

/* Master hears of it, now or when it reads again; of an adopted one it knows
 * more than gate. */
static void child_end(struct child *c, int status)
{
    child_leave(c);
    if (c->adopted) {
        child_put_back(c);
        return;
    }
    c->status = status;
    STAILQ_INSERT_TAIL(&c->gate->children.ended, c, next);
}

void child_stillborn(struct child *c)
{
    child_end(c, W_EXITCODE(ENDING_PEER, 0));
    children_report(c->gate);
}

static void child_hang_up(struct child *c)
{
    passive_leave(c);
    active_leave(c);
    queue_leave(c);
    loop_remove(&c->gate->loop, &c->watch);
    channel_close(&c->channel);
}

/* Its own master kills it. The record stays until that has reported its end,
 * or for a moment if there is no such master any more. */
static void child_kill_adopted(struct child *c)
{
    int r = SEND(&c->gate->master, kill_adopted, 0, .serial = c->serial);

    c->doomed = r != -EAGAIN;
    loop_timer_set(&c->gate->loop, &c->timer,
                   c->doomed ? CHILD_GRACE_MS : CHILD_RETRY_MS);
}

void child_kill(struct child *c, enum ending why)
{
    c->ending = why;
    if (!c->adopted)
        kill(c->pid, SIGKILL); /* before its channel closes: no last word */
    child_settle(c);
    child_hang_up(c);
    loop_timer_clear(&c->gate->loop, &c->timer);
    if (c->adopted)
        child_kill_adopted(c);
}

void children_make_room(struct gate *g)
{
    struct child *c;

    TAILQ_FOREACH(c, &g->children.waiting, waiting)
    if (limits_is_heaviest(&g->limits, &c->peer)) {
        child_kill(c, ENDING_CROWDED);
        return;
    }
}

void child_wrong(struct child *c, const char *what)
{
    tell_wrong(c, what);
    child_kill(c, ENDING_PEER);
}

/* Late is one that wasn't heard for idle_timeout, which it can't have kept by
 * itself then. All are late where the machine had stopped. */
static void child_mind_silence(struct child *c)
{
    uint64_t until = c->heard + c->silence_ms, now = clock_ms();

    if (now < until) {
        c->doubted = false;
        loop_timer_set(&c->gate->loop, &c->timer, until - now);
    } else if (!c->doubted) {
        c->doubted = true;
        loop_timer_set(&c->gate->loop, &c->timer, CHILD_DOUBT_MS);
    } else {
        child_kill(c, ENDING_HUNG);
    }
}

/* A session that is stopped or broken neither sees that it hasn't logged in nor
 * that its client has gone; its place must not be lost with it. */
static void child_on_time(void *owner)
{
    struct child *c = owner;

    if (c->doomed)
        child_discard(c);
    else if (c->channel.fd < 0)
        child_kill(c, ENDING_PEER);
    else if (!c->logged_in)
        child_kill(c, ENDING_LOGIN_TIME);
    else
        child_mind_silence(c);
}

void child_logged_in(struct child *c, uint64_t user)
{
    if (c->logged_in)
        return;
    c->logged_in = true;
    c->user = user;
    child_settle(c);
    c->heard = clock_ms();
    if (c->channel.fd < 0)
        return;
    child_mind_silence(c);
    tickets_tell(c);
}

/* Their number, not their kind, is what a flood costs. */
static bool child_is_flood(struct child *c)
{
    uint64_t now = clock_ms();

    if (now - c->second >= 1000) {
        c->second = now;
        c->messages = 0;
    }
    return ++c->messages > CHILD_MESSAGES;
}

static int child_on_admit(void *owner, struct msg_admit *m)
{
    return admit(owner, m->request, &m->client, &m->server);
}

static int child_on_alive(void *owner, struct msg_alive *m)
{
    struct child *c = owner;

    (void)m;
    c->heard = clock_ms();
    return child_is_flood(c) ? -EDQUOT : 0;
}

static int child_on_port(void *owner, struct msg_port *m)
{
    if (child_is_flood(owner))
        return -EDQUOT;
    active_leave(owner);
    return passive_port(owner, m->request);
}

static int child_on_active(void *owner, struct msg_active *m)
{
    if (child_is_flood(owner))
        return -EDQUOT;
    passive_leave(owner);
    return active_connect(owner, m->request, &m->to);
}

static int child_on_port_close(void *owner, struct msg_port_close *m)
{
    (void)m;
    if (child_is_flood(owner))
        return -EDQUOT;
    passive_leave(owner);
    active_leave(owner);
    return 0;
}

/* Each of these two is the answer to one of gate's, or is counted. */
static int child_on_data_mine(void *owner, struct msg_data_mine *m)
{
    (void)m;
    return lend_mine(owner) || passive_mine(owner) || !child_is_flood(owner)
               ? 0
               : -EDQUOT;
}

static int child_on_data_foreign(void *owner, struct msg_data_foreign *m)
{
    bool asked = lend_foreign(owner, &m->peer, m->why) ||
                 passive_foreign(owner, m->peer.port);

    return asked || !child_is_flood(owner) ? 0 : -EDQUOT;
}

static const struct handler child_handlers[] = {
    ON(admit, child_on_admit),
    ON(alive, child_on_alive),
    ON(data_mine, child_on_data_mine),
    ON(data_foreign, child_on_data_foreign),
    ON(port, child_on_port),
    ON(active, child_on_active),
    ON(port_close, child_on_port_close),
};

static void child_on_readable(void *owner, uint32_t events)
{
    struct child *c = owner;
    int r =
        channel_dispatch(&c->channel, child_handlers,
                         sizeof(child_handlers) / sizeof(child_handlers[0]), c);

    (void)events;
    if (r == 0)
        return;
    if (r == -EPIPE) { /* it ends, and has a moment to */
        child_hang_up(c);
        loop_timer_set(&c->gate->loop, &c->timer, CHILD_GRACE_MS);
        return;
    }
    child_wrong(c, r == -EPROTO   ? c->channel.wrong
                   : r == -EAGAIN ? "answers that it doesn't read"
                                  : "a flood of messages");
}

void child_connect(struct child *c, int fd)
{
    c->timer = (struct loop_timer){ .on_time = child_on_time, .owner = c };
    channel_init(&c->channel, fd, PROCESS_GATE, PROCESS_SESSION,
                 c->known ? PHASE_RUN : PHASE_START);
    c->watch = (struct loop_watch){
        .fd = fd, .events = EPOLLIN, .on_ready = child_on_readable, .owner = c
    };
}

void child_serve(struct child *c)
{
    if (loop_add(&c->gate->loop, &c->watch) < 0)
        child_kill(c, ENDING_PEER);
}

void child_born(struct child *c, pid_t pid, int fd)
{
    c->pid = pid;
    c->silence_ms = c->gate->settings.idle_timeout + CHILD_LATE_MS;
    LIST_INSERT_HEAD(children_of_pid(&c->gate->children, pid), c, by_pid);
    child_connect(c, fd);
    loop_timer_set(&c->gate->loop, &c->timer,
                   c->gate->settings.login_timeout + CHILD_LATE_MS);
    child_serve(c);
}

static void child_ended(struct child *c, int status)
{
    child_hang_up(c);
    loop_timer_clear(&c->gate->loop, &c->timer);
    if (WIFSIGNALED(status)) /* the others say it themselves */
        tell_death(c, WTERMSIG(status));
    admit_remember(c, status);
    child_end(c, status);
}

void child_adopted_gone(struct child *c, int status)
{
    if (c->adopted)
        child_ended(c, status);
}

void children_reap(struct gate *g)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct child *c = children_find_pid(g, pid);

        if (!c)
            continue;
        LIST_REMOVE(c, by_pid);
        child_ended(c, status);
    }
    children_report(g);
}

/* What master can't take now stays in the queue; nothing is ever lost, since
 * a session keeps its place in the table until then. */
int children_report(struct gate *g)
{
    struct children *t = &g->children;
    struct child *c;

    while ((c = STAILQ_FIRST(&t->ended))) {
        int r = SEND(&g->master, session_gone, 0, .serial = c->serial,
                     .status = (unsigned)c->status);

        if (r == -EAGAIN)
            break;
        STAILQ_REMOVE_HEAD(&t->ended, next);
        child_put_back(c);
    }
    gate_watch_master(g);
    return c ? -EAGAIN : 0;
}
