/* Wires to log and to keys. The ends wait in master while the one they lead to
 * is away or slow, so a new log still gets what was said meanwhile, up to a
 * socket's buffer a sender, and new keys what was asked. Those of speakers who
 * end before are leftover.c's. Runs in master; never waits. */
#include "wire.h"

#include <errno.h>
#include <poll.h>

#include "master.h"
#include "sallyport/base/fd.h"

void wire_init(struct wire *w)
{
    *w = (struct wire){ .end = -1 };
}

void wire_close(struct wire *w)
{
    fd_close(&w->end);
    w->stale = w->held = false;
}

bool wire_is_dead(const struct wire *w)
{
    struct pollfd one = { .fd = w->end };

    return poll(&one, 1, 0) == 1;
}

void wire_wait(struct wire *w)
{
    fd_close(&w->end);
    w->stale = true;
}

static struct wire *log_of_child(struct child *c)
{
    return c->row->process != PROCESS_LOG ? &c->log : NULL;
}

static struct wire *keys_of_child(struct child *c)
{
    return c->row->process == PROCESS_GATE ? &c->keys : NULL;
}

static struct wire *log_of_session(struct session *s)
{
    return &s->log;
}

static struct wire *keys_of_session(struct session *s)
{
    return &s->keys;
}

static struct wire *log_of_files(struct session *s)
{
    return &s->home.log;
}

enum { TO_LOG, TO_KEYS };

/* Where wires lead, and who has one. */
static const struct destination {
    enum process to;
    bool early; /* a speaker gets its new end while nobody is there yet */
    enum message introduces; /* says who speaks, whatever the speaker claims */
    enum message renews;     /* gives a speaker its end of a new one */
    struct wire *(*of_child)(struct child *c);
    struct wire *(*of_session)(struct session *s);
    struct wire *(*of_files)(struct session *s);
} destinations[] = {
    [TO_LOG] = { PROCESS_LOG, true, MSG_LOG_PEER, MSG_LOG, log_of_child,
                 log_of_session, log_of_files },
    [TO_KEYS] = { PROCESS_KEYS, false, MSG_KEYS_PEER, MSG_KEYS, keys_of_child,
                  keys_of_session, NULL },
};
#define DESTINATIONS (sizeof(destinations) / sizeof(destinations[0]))

/* A destination with the process that is there now; NULL: none. */
struct way {
    const struct destination *d;
    struct child *child;
};

static int introduce(const struct way *way, const struct speaker *who, int end)
{
    struct packet p = { .message = way->d->introduces,
                        .value = { NUMBER(who->process), NUMBER(who->serial),
                                   ADDRESS(who->peer),
                                   TEXT(slice_from(who->user)) },
                        .fd = { end, -1, -1 } };

    return channel_send(&way->child->channel, &p);
}

int wire_introduce(struct child *log, const struct speaker *who, int end)
{
    const struct way to_log = { &destinations[TO_LOG], log };

    return introduce(&to_log, who, end);
}

/* A new pair: one end to log, then the other into *OURS. -EAGAIN: log is
 * slow. */
static int new_pair(const struct way *way, const struct speaker *who, int *ours)
{
    int ends[2];
    int r = fd_pair(ends);

    if (r < 0)
        return r;
    r = introduce(way, who, ends[1]);
    fd_close(&ends[1]);
    if (r < 0)
        fd_close(&ends[0]);
    else
        *ours = ends[0];
    return r;
}

static int pass_end(const struct way *way, struct wire *w,
                    const struct speaker *who)
{
    int r;

    if (w->end < 0 || w->held || !way->child)
        return 0;
    r = introduce(way, who, w->end);
    if (r == 0)
        fd_close(&w->end);
    return r;
}

/* The peer first: one that doesn't read now keeps a wire that is stale, and is
 * asked again; the other end can wait here. */
static int replace(const struct way *way, struct wire *w, struct channel *peer,
                   const struct speaker *who)
{
    struct packet p = { .message = way->d->renews };
    int ends[2];
    int r;

    if (!w->stale || peer->fd < 0)
        return 0;
    r = fd_pair(ends);
    if (r < 0)
        return r;
    p.fd[0] = ends[0];
    r = channel_send(peer, &p);
    fd_close(&ends[0]);
    w->stale = r == -EAGAIN;
    if (r == 0)
        w->end = ends[1];
    else
        fd_close(&ends[1]);
    return pass_end(way, w, who);
}

static int flush_wire(const struct way *way, struct wire *w,
                      struct channel *peer, const struct speaker *who)
{
    int r = pass_end(way, w, who);

    return r == 0 ? replace(way, w, peer, who) : r;
}

static int flush_own(struct master *m, const struct way *way)
{
    struct speaker who = { .process = PROCESS_MASTER };
    int ours = -1;
    int r;

    if (way->d->to != PROCESS_LOG || !way->child || !m->events_wire.stale)
        return 0;
    r = new_pair(way, &who, &ours);
    if (r < 0)
        return r;
    m->events_wire.stale = false;
    event_sender_renew(&m->events, ours);
    m->events_watch.fd = ours;
    m->events_watch.events = m->events.queue.len > 0 ? EPOLLOUT : 0;
    return loop_add(&m->loop, &m->events_watch);
}

/* One that is being set up has its first end; a new one it can't take yet. */
static int flush_child(struct child *c, const struct way *way)
{
    struct wire *w = way->d->of_child(c);
    struct speaker who = { .process = c->row->process };
    int r = 0;

    if (!w)
        return 0;
    if (c->state == CHILD_READY || w->end >= 0)
        r = flush_wire(way, w, &c->channel, &who);
    if (c->state == CHILD_READY && w->stale)
        child_wait_writable(c);
    return r;
}

static int flush_home(struct home *h, const struct way *way)
{
    const struct speaker who = home_speaker(h);

    return flush_wire(way, &h->log, &h->channel, &who);
}

static int flush_session(struct session *s, const struct way *way)
{
    const struct speaker who = session_speaker(s);
    int r = flush_wire(way, way->d->of_session(s), &s->channel, &who);

    if (r == 0 && way->d->of_files)
        r = flush_home(&s->home, way);
    return r;
}

static int flush_way(struct master *m, const struct way *way)
{
    int r = flush_own(m, way);

    if (r == 0 && way->d->to == PROCESS_LOG)
        r = leftovers_flush(m);
    for (size_t i = 0; i < m->child_count && r == 0; i++)
        r = flush_child(&m->child[i], way);
    for (size_t i = 0; i < m->sessions.size && r == 0; i++)
        if (m->sessions.all[i].state != SESSION_FREE)
            r = flush_session(&m->sessions.all[i], way);
    for (size_t i = 0; i < CONTROL_PEERS && r == 0 && way->d->of_files; i++)
        r = flush_home(&m->control.peer[i].home, way);
    return r;
}

void wires_flush(struct master *m)
{
    for (size_t i = 0; i < DESTINATIONS; i++) {
        const struct way way = { &destinations[i],
                                 master_ready(m, destinations[i].to) };

        if (!way.child && !way.d->early)
            continue;
        if (flush_way(m, &way) == -EAGAIN && way.child)
            child_wait_writable(way.child);
    }
}

static void make_stale(struct wire *w)
{
    if (w)
        w->stale = w->end < 0;
}

static void sessions_are_stale(struct master *m, const struct destination *d)
{
    for (size_t i = 0; i < m->sessions.size; i++) {
        struct session *s = &m->sessions.all[i];

        if (s->state == SESSION_FREE)
            continue;
        if (d->to == PROCESS_KEYS) /* who asks there now must not wait for it */
            wire_wait(d->of_session(s));
        make_stale(d->of_session(s));
        make_stale(d->of_files ? d->of_files(s) : NULL);
    }
}

static void own_is_stale(struct master *m)
{
    loop_remove(&m->loop, &m->events_watch);
    event_sender_release(&m->events);
    m->events_wire.stale = true;
    for (size_t i = 0; i < CONTROL_PEERS; i++)
        make_stale(&m->control.peer[i].home.log);
}

void wires_are_stale(struct master *m, enum process to)
{
    if (to == PROCESS_LOG)
        own_is_stale(m);
    for (size_t i = 0; i < DESTINATIONS; i++) {
        if (destinations[i].to != to)
            continue;
        for (size_t j = 0; j < m->child_count; j++)
            make_stale(destinations[i].of_child(&m->child[j]));
        sessions_are_stale(m, &destinations[i]);
    }
    wires_flush(m);
}
