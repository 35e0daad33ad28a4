/* The channels from all processes to log, and from gate and sessions to keys.
 * Runs in master, which reads nothing out of these channels and never waits. */
#include "children.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/pages.h"

#define ENDED_BESIDES 16
#define SWEEP_MS      1000
#define MESSAGES_MAX  1024 /* more than a channel holds */
#define COUNT_MS      200  /* at the end, to count lost events */

size_t services_ended_max(size_t sessions)
{
    return sessions + ENDED_BESIDES;
}

static void service_sweep_on_timer(void *owner);

/* Counts three channels for each session's record: two of the session, and one
 * of its process files. Each child has two channels, and master has one. */
int services_init(struct master *m, size_t sessions)
{
    struct services *s = m->services;

    s->ended_max = services_ended_max(master_places(m));
    s->size = 3 * sessions + 2 * MASTER_CHILDREN + 1 + s->ended_max;
    s->all = pages_new(s->size, sizeof(*s->all));
    if (!s->all)
        return -ENOMEM;
    TAILQ_INIT(&s->free);
    TAILQ_INIT(&s->open);
    for (size_t i = 0; i < s->size; i++)
        TAILQ_INSERT_TAIL(&s->free, &s->all[i], next);
    s->sweep =
        (struct loop_timer){ .on_timer = service_sweep_on_timer, .owner = m };
    return 0;
}

/* Closes C. LOST: counts its messages as lost, and takes them from a log that
 * may still have the channel. */
static void service_drop(struct services *s, struct service_channel *c,
                         bool lost)
{
    char byte;

    lost &= c->service == PROCESS_LOG;
    for (int i = 0; lost && i < MESSAGES_MAX; i++) {
        lost = recv(c->end, &byte, 1, MSG_DONTWAIT) > 0;
        s->lost += lost;
    }
    TAILQ_REMOVE(&s->open, c, next);
    s->ended_count -= c->ended;
    fd_close(&c->end);
    TAILQ_INSERT_TAIL(&s->free, c, next);
}

/* Drops each channel of an ended process that is empty, or that log hasn't read
 * in time. Log doesn't tell master when it drops a channel, since it has no
 * place for it or can't read its bytes. */
static void services_sweep(struct master *m)
{
    struct services *s = m->services;
    struct service_channel *c = TAILQ_FIRST(&s->open);
    const uint64_t now = clock_ms();

    while (c && s->ended_count > 0) {
        struct service_channel *next = TAILQ_NEXT(c, next);

        if (c->ended) {
            bool empty = channel_waits(c->end) == 0;
            bool late = c->given && now - c->since >= m->deadlines.unread;

            if (empty || late)
                service_drop(s, c, late);
        }
        c = next;
    }
}

static void service_sweep_on_timer(void *owner)
{
    struct master *m = owner;

    services_flush(m);
    if (m->services->ended_count > 0)
        loop_timer_set(&m->loop, &m->services->sweep, SWEEP_MS);
}

void services_release(struct master *m)
{
    struct services *s = m->services;
    const uint64_t end = clock_ms() + COUNT_MS;
    uint64_t lost = m->events.dropped;

    if (!s->all)
        return;
    loop_timer_clear(&m->loop, &s->sweep);
    while (!TAILQ_EMPTY(&s->open))
        service_drop(s, TAILQ_FIRST(&s->open), clock_ms() < end);
    lost += s->lost;
    /* A start prints its events itself. */
    if ((lost > 0 || s->killed) && m->since > 0)
        stderr_print(
            "no log took %s%llu events before the end%s",
            clock_ms() < end ? "" : "at least ", (unsigned long long)lost,
            s->killed ? "; it was killed, and may have had one more" : "");
    pages_free(s->all, s->size, sizeof(*s->all));
    *s = (struct services){ 0 };
}

struct service_channel *service_open(struct master *m, enum process service,
                                     const struct speaker *who, int end)
{
    struct services *s = m->services;
    struct service_channel *c = TAILQ_FIRST(&s->free);

    if (!c) {
        fd_close(&end);
        return NULL;
    }
    TAILQ_REMOVE(&s->free, c, next);
    *c =
        (struct service_channel){ .service = service, .who = *who, .end = end };
    TAILQ_INSERT_TAIL(&s->open, c, next);
    return c;
}

void service_known(struct service_channel *c, const struct address *peer)
{
    if (!c)
        return;
    c->who.peer = *peer;
    c->held = false;
}

void service_named(struct service_channel *c, const char *user)
{
    if (c)
        snprintf(c->who.user, sizeof(c->who.user), "%s", user);
}

size_t services_unread(const struct master *m, const char *user)
{
    const struct service_channel *c;
    size_t unread = 0;

    TAILQ_FOREACH(c, &m->services->open, next)
        unread += c->ended && unread < SERVICES_UNREAD &&
                  (!user || strcmp(c->who.user, user) == 0) &&
                  channel_waits(c->end) > 0;
    return unread;
}

static bool services_have_place(const struct services *s,
                                const struct speaker *who)
{
    bool of_nobody = who->process == PROCESS_SESSION && !who->user[0];

    return s->ended_count < (of_nobody ? s->ended_max / 2 : s->ended_max);
}

static void service_keep(struct master *m, struct service_channel *c)
{
    struct services *s = m->services;

    if (!services_have_place(s, &c->who))
        services_sweep(m);
    if (!services_have_place(s, &c->who)) {
        service_drop(s, c, !c->given);
        return;
    }
    c->held = false;
    c->ended = true;
    c->since = clock_ms();
    s->ended_count++;
    /* Log gets the channels in the order in which the processes ended. */
    TAILQ_REMOVE(&s->open, c, next);
    TAILQ_INSERT_TAIL(&s->open, c, next);
    if (!s->sweep.armed)
        loop_timer_set(&m->loop, &s->sweep, SWEEP_MS);
}

void service_end(struct master *m, struct service_channel **end)
{
    struct service_channel *c = *end;
    int words;

    *end = NULL;
    if (!c)
        return;
    words = c->service == PROCESS_LOG ? channel_waits(c->end) : 0;
    if (words > 0 || (words < 0 && !c->held))
        service_keep(m, c);
    else
        service_drop(m->services, c, false);
    services_flush(m);
}

/* Passes to the service the channels that it doesn't have yet. If the service
 * takes no more now, master continues when the service reads again. */
static int services_give(struct master *m, enum process service)
{
    struct child *to = children_ready(m, service);
    struct service_channel *c;
    int r = 0;

    if (!to)
        return 0;
    TAILQ_FOREACH(c, &m->services->open, next) {
        const struct speaker *who = &c->who;

        if (c->service != service || c->given || c->held)
            continue;
        r = SEND(&to->channel, speaker, 0, .process = who->process,
                 .serial = who->serial, .peer = who->peer,
                 .user = slice_from(who->user), .end = c->end);
        if (r < 0)
            break;
        c->given = true;
        c->since = clock_ms();
    }
    if (r == -EAGAIN)
        child_wait_writable(to);
    return r;
}

/* Opens master's own channel to log, unless it is open: the channel outlives
 * each log. */
static void services_open_own(struct master *m)
{
    const struct speaker who = { .process = PROCESS_MASTER };
    struct service_channel *own;
    int ends[2];

    if (m->events.channel.fd >= 0 || fd_pair(ends) < 0)
        return;
    own = service_open(m, PROCESS_LOG, &who, ends[1]);
    if (!own) {
        fd_close(&ends[0]);
        return;
    }
    TAILQ_REMOVE(&m->services->open, own, next); /* log gets it first */
    TAILQ_INSERT_HEAD(&m->services->open, own, next);
    event_sender_init(&m->events, ends[0], PROCESS_MASTER);
    m->events_watch.fd = ends[0];
    loop_add(&m->loop, &m->events_watch);
}

bool services_flush(struct master *m)
{
    struct services *s = m->services;
    struct event_record r;
    bool more;

    services_sweep(m);
    if (m->logs)
        services_open_own(m);
    more = services_give(m, PROCESS_LOG) == -EAGAIN;
    services_give(m, PROCESS_KEYS);
    if (!m->logs || s->lost == 0 || m->events.full)
        return more;
    event_begin(&r, EVENT_TROUBLE);
    event_number(&r, FIELD_NUMBER, s->lost);
    event_text(&r, FIELD_REASON,
               SLICE("last events of ended processes lost, the log took none"));
    s->lost = 0;
    master_send(m, &r);
    return more;
}

void services_ready(struct child *c)
{
    struct master *m = c->master;

    m->logs = children_ready(m, PROCESS_LOG);
    services_flush(m);
}

void services_gone(struct child *child)
{
    struct master *m = child->master;
    const enum process service = child->row->process;
    struct service_channel *c;

    m->logs = children_ready(m, PROCESS_LOG);
    services_sweep(m);
    TAILQ_FOREACH(c, &m->services->open, next)
        c->given = c->given && c->service != service;
}
