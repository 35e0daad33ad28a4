/* Wires to log. The ends wait in master while log is away or slow, so a new log
 * still gets what was said meanwhile, up to a socket's buffer a sender. Runs in
 * master; never waits. */
#include "wire.h"

#include <errno.h>

#include "master.h"
#include "sallyport/base/fd.h"

void wire_init(struct log_wire *w)
{
    *w = (struct log_wire){ .end = -1 };
}

void wire_close(struct log_wire *w)
{
    fd_close(&w->end);
    w->stale = false;
}

/* Who speaks on a wire: log writes this, whatever the sender claims. */
struct speaker {
    enum process process;
    uint64_t serial;
    struct address peer;
};

static int tell_log(struct child *log, const struct speaker *who, int end)
{
    struct packet p = { .message = MSG_LOG_PEER,
                        .value = { NUMBER(who->process), NUMBER(who->serial),
                                   ADDRESS(who->peer) },
                        .fd = { end, -1 } };

    return channel_send(&log->channel, &p);
}

/* A new pair: one end to log, then the other into *OURS. -EAGAIN: log is
 * slow. */
static int new_pair(struct child *log, const struct speaker *who, int *ours)
{
    int ends[2];
    int r = fd_pair(ends);

    if (r < 0)
        return r;
    r = tell_log(log, who, ends[1]);
    fd_close(&ends[1]);
    if (r < 0)
        fd_close(&ends[0]);
    else
        *ours = ends[0];
    return r;
}

static int pass_end(struct child *log, struct log_wire *w,
                    const struct speaker *who)
{
    int r;

    if (w->end < 0)
        return 0;
    r = tell_log(log, who, w->end);
    if (r == 0)
        fd_close(&w->end);
    return r;
}

/* The peer first: one that doesn't read now keeps a wire that is stale, and is
 * asked again; log's end can wait here. */
static int replace(struct child *log, struct log_wire *w, struct channel *peer,
                   const struct speaker *who)
{
    struct packet p = { .message = MSG_LOG, .fd = { -1, -1 } };
    int ends[2];
    int r;

    if (!w->stale || peer->fd < 0)
        return 0;
    r = fd_pair(ends);
    if (r < 0)
        return r;
    p.fd[0] = ends[0];
    r = channel_send(peer, &p);
    packet_close(&p);
    w->stale = r == -EAGAIN;
    if (r == 0)
        w->end = ends[1];
    else
        fd_close(&ends[1]);
    return pass_end(log, w, who);
}

static int flush_wire(struct child *log, struct log_wire *w,
                      struct channel *peer, const struct speaker *who)
{
    int r = pass_end(log, w, who);

    return r == 0 ? replace(log, w, peer, who) : r;
}

static int flush_own(struct master *m, struct child *log)
{
    struct speaker who = { .process = PROCESS_MASTER };
    int ours = -1;
    int r;

    if (!m->events_wire.stale)
        return 0;
    r = new_pair(log, &who, &ours);
    if (r < 0)
        return r;
    m->events_wire.stale = false;
    event_sender_renew(&m->events, ours);
    m->events_watch.fd = ours;
    m->events_watch.events = m->events.queue.len > 0 ? EPOLLOUT : 0;
    return loop_add(&m->loop, &m->events_watch);
}

static int flush_children(struct master *m, struct child *log)
{
    for (size_t i = 0; i < m->child_count; i++) {
        struct child *c = &m->child[i];
        struct speaker who = { .process = c->row->process };
        int r = 0;

        if (c->state == CHILD_READY || c->log.end >= 0)
            r = flush_wire(log, &c->log, &c->channel, &who);
        if (c->state == CHILD_READY && c->log.stale)
            child_wait_writable(c);
        if (r < 0)
            return r;
    }
    return 0;
}

static int flush_session(struct child *log, struct session *s)
{
    struct speaker who = { PROCESS_SESSION, s->serial, s->peer };
    int r = flush_wire(log, &s->log, &s->channel, &who);

    who.process = PROCESS_FILES;
    return r == 0 ? flush_wire(log, &s->home.log, &s->home.channel, &who) : r;
}

static int flush_asked(struct child *log, struct home *h)
{
    struct speaker who = { .process = PROCESS_FILES, .serial = h->serial };

    return flush_wire(log, &h->log, &h->channel, &who);
}

void wires_flush(struct master *m)
{
    struct child *log = master_log(m);
    int r;

    if (!log)
        return;
    r = flush_own(m, log);
    if (r == 0)
        r = flush_children(m, log);
    for (size_t i = 0; i < m->sessions.size && r == 0; i++)
        if (m->sessions.all[i].state != SESSION_FREE)
            r = flush_session(log, &m->sessions.all[i]);
    for (size_t i = 0; i < CONTROL_PEERS && r == 0; i++)
        r = flush_asked(log, &m->control.peer[i].home);
    if (r == -EAGAIN)
        child_wait_writable(log);
}

void wires_are_stale(struct master *m)
{
    loop_remove(&m->loop, &m->events_watch);
    event_sender_release(&m->events);
    m->events_wire.stale = true;
    for (size_t i = 0; i < m->child_count; i++)
        if (m->child[i].row->process != PROCESS_LOG)
            m->child[i].log.stale = m->child[i].log.end < 0;
    for (size_t i = 0; i < m->sessions.size; i++) {
        struct session *s = &m->sessions.all[i];

        if (s->state == SESSION_FREE)
            continue;
        s->log.stale = s->log.end < 0;
        s->home.log.stale = s->home.log.end < 0;
    }
    for (size_t i = 0; i < CONTROL_PEERS; i++) {
        struct home *h = &m->control.peer[i].home;

        h->log.stale = h->log.end < 0;
    }
}
