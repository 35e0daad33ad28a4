/* The life of an executed process: start, work, end, restart. The first few
 * restarts come at once; further restarts come every 10 s. After the start of
 * master, a child can't end master by any message or failure. Runs in master.
 */
#include "children.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

#define SHORT_MS 10000 /* ms between two log lines about lost messages */
/* The reason for a wrong message before `ready`: a program of the same build
 * sends none. */
#define OTHER_BUILD                                                            \
    "sent a message of another build: the installation is half done; install " \
    "again, then reload"

/* Describes in words how C ended; STATUS is from wait(2). */
static void child_describe(const struct child *c, int status, char *out,
                           size_t size)
{
    int n;

    if (WIFSIGNALED(status))
        n = snprintf(out, size, "ended by signal %d%s", WTERMSIG(status),
                     c->row->process != PROCESS_LOG
                         ? ""
                         : "; it may have had an event that has no line");
    else
        n = snprintf(out, size, "ended with status %d", WEXITSTATUS(status));
    if (c->failure[0] && n > 0 && (size_t)n < size)
        snprintf(out + n, size - (size_t)n, ": %s", c->failure);
}

/* Call it when C has ended during the start of master, which then fails. If C
 * has sent a complaint, the configuration has a mistake, unless the complaint
 * is about the sandbox, or C ends with EX_TEMPFAIL. A complaint of gate about a
 * certificate or key names the file; this function adds the line of the
 * configuration. */
static void child_start_failed(struct child *c, int status)
{
    const bool complained = c->channel.seen[MSG_failed];
    int code = complained ? EX_CONFIG : EX_SOFTWARE;
    struct complaint why = { "" };
    char how[320];

    if (WIFEXITED(status) && (WEXITSTATUS(status) == EX_OSERR ||
                              WEXITSTATUS(status) == EX_SOFTWARE ||
                              WEXITSTATUS(status) == EX_TEMPFAIL))
        code = WEXITSTATUS(status);
    if (strncmp(c->failure, "sandbox of ", 8) == 0)
        code = EX_OSERR;
    if (complained) {
        complain(&why, "%s", c->failure);
        settings_place_pair(&c->master->settings, &why);
    } else {
        child_describe(c, status, how, sizeof(how));
        complain(&why, "%s %s", process_name(c->row->process), how);
    }
    master_fail(c->master, code, why.text);
}

int child_on_ready(void *owner, struct msg_ready *msg)
{
    struct child *c = owner;

    (void)msg;
    c->state = CHILD_READY;
    c->channel.phase = PHASE_RUN;
    loop_timer_clear(&c->master->loop, &c->timer);
    if (c->row->on_ready)
        c->row->on_ready(c);
    c->master->may_be_over = true;
    return 0;
}

int child_on_failed(void *owner, struct msg_failed *msg)
{
    struct child *c = owner;

    snprintf(c->failure, sizeof(c->failure), "%.*s", (int)msg->why.len,
             msg->why.ptr);
    return -ECANCELED;
}

static void child_close(struct child *c)
{
    bool worked = c->state == CHILD_READY;

    loop_remove(&c->master->loop, &c->watch);
    loop_timer_clear(&c->master->loop, &c->timer);
    channel_close(&c->channel);
    c->state = CHILD_ENDING;
    service_end(c->master, &c->log);
    service_end(c->master, &c->keys);
    if (worked && c->row->on_gone)
        c->row->on_gone(c);
}

/* Call it when C has closed its channel, or has sent why it fails. C gets a
 * moment to end, so that master can log its exit status. */
static void child_leaves(struct child *c)
{
    if (c->channel.fd < 0)
        return;
    if (!c->failure[0])
        snprintf(c->failure, sizeof(c->failure), "closed its channel");
    child_close(c);
    if (c->pid > 0)
        loop_timer_set(&c->master->loop, &c->timer,
                       c->master->deadlines.leaving);
}

/* kill() can't hit another process: the pid stays reserved until master reaps
 * it. */
void child_end(struct child *c, const char *why)
{
    if (c->channel.fd < 0)
        return;
    if (c->failure[0]) {
        child_leaves(c);
        return;
    }
    snprintf(c->failure, sizeof(c->failure), "%s", why);
    master_report(c->master, EVENT_PEER, c->row->process, "%s", why);
    child_close(c);
    if (c->pid > 0)
        kill(c->pid, SIGKILL);
}

static void child_read(struct child *c)
{
    const struct child_row *row = c->row;
    /* pid 0: these are the last messages of a reaped child. */
    int r = channel_dispatch(&c->channel, row->handlers, row->handler_count, c,
                             c->pid == 0 ? DISPATCH_ALL : DISPATCH_MAX);

    if (r == -EPROTO) {
        child_end(c, c->state == CHILD_SETUP ? OTHER_BUILD : c->channel.wrong);
    } else if (r == -EMFILE) {
        /* Master had no free descriptor for the message. Report this only once
         * in SHORT_MS, since clients can cause it. If the message announced a
         * session, the session finds its channels closed, and ends. */
        if (debt_take(&c->shortages, SHORT_MS, SHORT_MS, clock_ms()) == 0)
            master_report(c->master, EVENT_TROUBLE, PROCESS_MASTER,
                          "%s sent %s", process_name(row->process),
                          c->channel.wrong);
        if (c->pid == 0) /* the rest of its last messages */
            child_read(c);
    } else if (r < 0) {
        child_leaves(c);
    }
}

void child_wait_writable(struct child *c)
{
    loop_change(&c->master->loop, &c->watch, EPOLLIN | EPOLLOUT);
}

static void child_on_event(void *owner, uint32_t events)
{
    struct child *c = owner;

    if (events & EPOLLOUT) {
        loop_change(&c->master->loop, &c->watch, EPOLLIN);
        if (c->row->on_writable)
            c->row->on_writable(c);
    }
    if (c->channel.fd >= 0 && (events & ~(uint32_t)EPOLLOUT))
        child_read(c);
}

static void child_on_timer(void *owner)
{
    struct child *c = owner;

    switch (c->state) {
    case CHILD_OFF:
        child_start(c);
        break;
    case CHILD_SETUP:
        child_end(c, "was not ready in time");
        break;
    case CHILD_READY:
        if (c->row->late)
            child_end(c, c->row->late);
        break;
    case CHILD_ENDING:
        kill(c->pid, SIGKILL);
        break;
    }
}

static int child_spawn(struct child *c)
{
    const struct master *m = c->master;
    static struct setup setup;
    int ends[2];
    pid_t pid;
    int r = fd_pair(ends);

    if (r < 0)
        return r;
    pid = setup_child(c, &setup);
    if (pid == 0)
        pid = m->hooks.spawn(m, process_name(c->row->process), ends[1], &setup);
    fd_close(&setup.file[SETUP_LOG].fd);
    fd_close(&setup.file[SETUP_KEYS].fd);
    fd_close(&setup.file[SETUP_BEAT].fd);
    fd_close(&ends[1]);
    if (pid < 0) {
        fd_close(&ends[0]);
        return (int)pid;
    }
    c->pid = pid;
    channel_init(&c->channel, ends[0], PROCESS_MASTER, c->row->process,
                 PHASE_START);
    c->watch.fd = c->channel.fd;
    c->watch.events = EPOLLIN;
    return loop_add(&c->master->loop, &c->watch);
}

void child_start(struct child *c)
{
    struct master *m = c->master;
    struct complaint why = { "" };
    uint64_t wait = 0;
    int r;

    if ((m->state == MASTER_STOPPING && c->row->process != PROCESS_LOG) ||
        c->released ||
        (c->row->waits_for_keys && !children_ready(m, PROCESS_KEYS)))
        return;
    if (c->started)
        wait = debt_take(&c->restarts, m->deadlines.restart,
                         CHILD_RESTARTS * m->deadlines.restart, clock_ms());
    if (wait > 0) {
        loop_timer_set(&m->loop, &c->timer, wait);
        return;
    }
    c->started = true;
    c->users = 0;
    c->failure[0] = '\0';
    c->opened = false;
    c->state = CHILD_SETUP;
    loop_timer_set(&m->loop, &c->timer, m->deadlines.setup);
    r = child_spawn(c);
    if (r == 0)
        return;
    if (c->pid > 0) {
        child_end(c, strerror(-r));
        return;
    }
    c->state = CHILD_OFF;
    complain(&why, "%s can't be started: %s", process_name(c->row->process),
             strerror(-r));
    if (m->state == MASTER_STARTING) {
        master_fail(m, EX_OSERR, why.text);
        return;
    }
    master_report(m, EVENT_CHILD, c->row->process, "%s", why.text);
    /* Don't try again at once: a shortage, such as of memory, rarely ends so
     * soon. */
    loop_timer_set(&m->loop, &c->timer, m->deadlines.restart);
}

void child_reaped(struct child *c, int status)
{
    struct master *m = c->master;
    char how[320];

    c->pid = 0;
    if (c->channel.fd >= 0) /* its last messages may still wait there */
        child_read(c);
    if (c->state != CHILD_ENDING)
        child_close(c);
    loop_timer_clear(&m->loop, &c->timer);
    c->state = CHILD_OFF;
    if (m->state == MASTER_STARTING) {
        child_start_failed(c, status);
        return;
    }
    child_describe(c, status, how, sizeof(how));
    if (m->state == MASTER_RUNNING ||
        (m->state == MASTER_RETIRING && !c->released && status != 0))
        master_report(m, EVENT_CHILD, c->row->process, "%s", how);
    if (c->row->on_reaped)
        c->row->on_reaped(c, status);
    child_start(c);
}

void child_release(struct child *c)
{
    child_close(c);
    SHARED_UNMAP(c->beat);
    c->released = true;
    c->state = c->pid > 0 ? CHILD_ENDING : CHILD_OFF;
}

void children_add(struct master *m, const struct child_row *row)
{
    struct child *c = &m->children->child[m->children->count++];

    *c = (struct child){ .master = m, .row = row, .channel.fd = -1 };
    c->watch = (struct loop_watch){ .on_ready = child_on_event, .owner = c };
    c->timer = (struct loop_timer){ .on_timer = child_on_timer, .owner = c };
}

struct child *children_find(const struct master *m, enum process p)
{
    CHILDREN_EACH(m, c)
        if (c->row->process == p)
            return c;
    return NULL;
}

struct child *children_ready(struct master *m, enum process p)
{
    CHILDREN_EACH(m, c)
        if (c->row->process == p && c->state == CHILD_READY)
            return c;
    return NULL;
}

struct child *children_by_pid(struct master *m, pid_t pid)
{
    CHILDREN_EACH(m, c)
        if (c->pid == pid)
            return c;
    return NULL;
}
