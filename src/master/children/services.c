/* See services.h. Runs in master, which reads nothing out of these channels and
 * never waits. */
#include "services.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "core/master.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/stderr.h"

#define ENDED_BESIDES 16
#define SWEEP_MS      1000

size_t services_ended_max(uint64_t max_sessions)
{
    return (size_t)max_sessions + ENDED_BESIDES;
}

static void service_sweep_on_time(void *owner);

/* Each session has two channels, and its process files has one; after the
 * session's end the channel of files may remain. Each child has two, and files
 * for a caller has one. */
int services_init(struct master *m, size_t sessions)
{
    struct services *s = m->services;

    s->ended_max = services_ended_max(m->settings.max_sessions);
    s->size =
        3 * sessions + 2 * MASTER_CHILDREN + MASTER_CALLERS + 1 + s->ended_max;
    s->all = master_memory(s->size * sizeof(*s->all));
    if (!s->all)
        return -ENOMEM;
    TAILQ_INIT(&s->free);
    TAILQ_INIT(&s->open);
    TAILQ_INIT(&s->ended);
    for (size_t i = 0; i < s->size; i++)
        TAILQ_INSERT_TAIL(&s->free, &s->all[i], next);
    s->sweep =
        (struct loop_timer){ .on_time = service_sweep_on_time, .owner = m };
    return 0;
}

static void service_drop(struct services *s, struct service_list *from,
                         struct service_channel *c)
{
    TAILQ_REMOVE(from, c, next);
    fd_close(&c->end);
    TAILQ_INSERT_TAIL(&s->free, c, next);
}

static void services_drop_all(struct services *s, struct service_list *from)
{
    while (!TAILQ_EMPTY(from))
        service_drop(s, from, TAILQ_FIRST(from));
}

/* Returns 1 if something waits in the channel, 0 if nothing ever comes again,
 * -1 if nothing waits now. */
static int service_has_words(const struct service_channel *c)
{
    char byte;

    return (int)recv(c->end, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}

/* Drops the channels in which nothing more can come. */
static void services_sweep(struct services *s)
{
    struct service_channel *c = TAILQ_FIRST(&s->ended);

    while (c) {
        struct service_channel *next = TAILQ_NEXT(c, next);

        if (service_has_words(c) == 0) {
            service_drop(s, &s->ended, c);
            s->ended_count--;
        }
        c = next;
    }
}

static void service_sweep_on_time(void *owner)
{
    struct master *m = owner;

    services_sweep(m->services);
    if (m->services->ended_count > 0)
        loop_timer_set(&m->loop, &m->services->sweep, SWEEP_MS);
}

void services_release(struct master *m)
{
    struct services *s = m->services;
    struct service_channel *c;
    uint64_t lost = s->lost;

    if (!s->all)
        return;
    loop_timer_clear(&m->loop, &s->sweep);
    services_sweep(s);
    TAILQ_FOREACH(c, &s->ended, next)
        lost += !c->given;
    if (lost > 0 && !m->check) /* --check starts no log */
        stderr_print(
            "%llu processes have ended, and no log took what they said",
            (unsigned long long)lost);
    services_drop_all(s, &s->ended);
    services_drop_all(s, &s->open);
    munmap(s->all, s->size * sizeof(*s->all));
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
        services_sweep(s);
    if (!services_have_place(s, &c->who)) {
        s->lost += !c->given;
        service_drop(s, &s->open, c);
        return;
    }
    c->held = false;
    TAILQ_REMOVE(&s->open, c, next);
    TAILQ_INSERT_TAIL(&s->ended, c, next);
    s->ended_count++;
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
    words = c->service == PROCESS_LOG ? service_has_words(c) : 0;
    if (words > 0 || (words < 0 && !c->held))
        service_keep(m, c);
    else
        service_drop(m->services, &m->services->open, c);
    services_flush(m);
}

static struct service_reader *service_reader_of(struct master *m,
                                                enum process service)
{
    return service == PROCESS_LOG ? &m->services->log : &m->services->keys;
}

static int service_introduce(struct channel *to,
                             const struct service_channel *c)
{
    const struct speaker *who = &c->who;

    if (c->service == PROCESS_KEYS)
        return SEND(to, keys_client, 0, .process = who->process,
                    .serial = who->serial, .peer = who->peer, .client = c->end);
    return SEND(to, log_sender, 0, .process = who->process,
                .serial = who->serial, .peer = who->peer,
                .user = slice_from(who->user), .sender = c->end);
}

/* Offers the channel to the service. If the service takes nothing now, master
 * tries again when it can. */
static int service_give(struct master *m, enum process service,
                        struct service_channel *c)
{
    const struct service_reader *to = service_reader_of(m, service);
    int r;

    if (c->service != service || c->given || c->held)
        return 0;
    r = service_introduce(to->channel, c);
    c->given = r == 0;
    if (r == -EAGAIN)
        loop_change(&m->loop, to->watch, EPOLLIN | EPOLLOUT);
    return r;
}

static void service_give_all(struct master *m, enum process service,
                             struct service_list *list)
{
    struct service_channel *c;

    TAILQ_FOREACH(c, list, next)
        if (service_give(m, service, c) < 0)
            return;
}

static void services_report_lost(struct master *m)
{
    uint64_t lost = m->services->lost;

    if (lost == 0)
        return;
    m->services->lost = 0;
    master_report(m, EVENT_SERVICE, PROCESS_MASTER,
                  "%llu processes have ended, and there was no room for what "
                  "they said",
                  (unsigned long long)lost);
}

/* Opens master's own channel to log, once: it outlives each log. */
static void services_open_own(struct master *m)
{
    const struct speaker who = { .process = PROCESS_MASTER };
    int ends[2];

    if (m->events.channel.fd >= 0 || fd_pair(ends) < 0)
        return;
    m->services->own = service_open(m, PROCESS_LOG, &who, ends[1]);
    if (!m->services->own) {
        fd_close(&ends[0]);
        return;
    }
    event_sender_open(&m->events, ends[0]);
    m->events_watch.fd = ends[0];
    m->events_watch.events = m->events.queue.len > 0 ? EPOLLOUT : 0;
    loop_add(&m->loop, &m->events_watch);
}

void services_flush(struct master *m)
{
    struct services *s = m->services;

    if (s->ended_count > 0)
        services_sweep(s);
    if (s->log.channel) {
        services_open_own(m);
        if (s->own)
            service_give(m, PROCESS_LOG, s->own);
        service_give_all(m, PROCESS_LOG, &s->ended);
        service_give_all(m, PROCESS_LOG, &s->open);
        services_report_lost(m);
    }
    if (s->keys.channel)
        service_give_all(m, PROCESS_KEYS, &s->open);
}

void services_ready(struct master *m, enum process service,
                    struct channel *channel, struct loop_watch *watch)
{
    *service_reader_of(m, service) = (struct service_reader){ channel, watch };
    m->logs = m->services->log.channel != NULL;
    services_flush(m);
}

static void services_give_again(struct service_list *list, enum process service)
{
    struct service_channel *c;

    TAILQ_FOREACH(c, list, next)
        c->given = c->given && c->service != service;
}

void services_gone(struct master *m, enum process service)
{
    *service_reader_of(m, service) = (struct service_reader){ NULL, NULL };
    m->logs = m->services->log.channel != NULL;
    services_sweep(m->services);
    services_give_again(&m->services->ended, service);
    services_give_again(&m->services->open, service);
}
