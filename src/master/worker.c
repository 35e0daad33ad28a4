/* The auth workers, in master: the one with the least to do is asked; what it
 * answers must be what it was asked. A worker that names a session it wasn't
 * asked about, a generation or a row that isn't there, or a locked row, lies,
 * and is ended. */
#include "worker.h"

#include <errno.h>
#include <string.h>

#include "answer.h"
#include "child.h"
#include "children.h"
#include "login.h"
#include "master.h"
#include "service.h"
#include "session.h"
#include "userdb.h"

#define SHARE_MIN 8 /* of one address, however few workers there are */

static struct child *auth_at(struct master *m, size_t i)
{
    struct child *c = &m->children->child[i];

    return c->row->process == PROCESS_AUTH && c->state == CHILD_READY ? c
                                                                      : NULL;
}

static struct verification *find(struct child *c, uint64_t serial)
{
    for (size_t i = 0; i < c->verifications; i++)
        if (c->verification[i].serial == serial)
            return &c->verification[i];
    return NULL;
}

/* A worker that still works for an earlier try of this session can't be asked
 * again: its two verdicts could not be told apart. */
static bool can_take(const struct master *m, struct child *c, uint64_t serial)
{
    return c->verifications < VERIFICATIONS_MAX &&
           c->generation == userdb_newest(m->users) && !find(c, serial);
}

static struct child *least_busy(struct master *m, uint64_t serial, size_t *all)
{
    struct child *best = NULL;

    *all = 0;
    for (size_t i = 0; i < m->children->count; i++) {
        struct child *c = auth_at(m, i);

        *all += c != NULL;
        if (c && can_take(m, c, serial) &&
            (!best || c->verifications < best->verifications))
            best = c;
    }
    return best;
}

/* What gate counts as one address. */
static struct address prefix_of(const struct address *peer)
{
    return address_prefix(peer, peer->family == 4 ? 32 : 64);
}

static size_t held_by(const struct master *m, const struct address *prefix)
{
    struct address other;
    size_t n = 0;

    for (size_t i = 0; i < m->children->count; i++)
        for (size_t j = 0; j < m->children->child[i].verifications; j++) {
            other = prefix_of(&m->children->child[i].verification[j].peer);
            n += address_same_host(&other, prefix);
        }
    return n;
}

/* A quarter of what WORKERS can take, so that one address, by sessions that
 * hold their places as long as they can, doesn't keep all others out. */
static bool has_its_share(const struct master *m, const struct address *prefix,
                          size_t workers)
{
    size_t share = workers * VERIFICATIONS_MAX / 4;

    return held_by(m, prefix) >= (share > SHARE_MIN ? share : SHARE_MIN);
}

int worker_ask(struct session *s, int fd)
{
    struct master *m = s->master;
    struct address prefix = prefix_of(&s->peer);
    size_t all;
    struct child *c = least_busy(m, s->serial, &all);

    if (!c)
        return all == 0 ? -ENOENT : -EBUSY;
    if (has_its_share(m, &prefix, all))
        return -EAGAIN;
    if (SEND(&c->channel, verify, 0, .serial = s->serial,
             .edition = userdb_newest(m->users), .peer = s->peer,
             .session = fd) < 0)
        return -EBUSY;
    c->verification[c->verifications++] =
        (struct verification){ s->serial, userdb_newest(m->users), s->peer, s };
    if (!c->timer.armed)
        loop_timer_set(&m->loop, &c->timer, m->deadlines.silence);
    return 0;
}

void worker_forget(struct master *m, const struct session *s)
{
    for (size_t i = 0; i < m->children->count; i++)
        for (size_t j = 0; j < m->children->child[i].verifications; j++)
            if (m->children->child[i].verification[j].session == s)
                m->children->child[i].verification[j].session = NULL;
}

uint64_t worker_oldest(const struct master *m)
{
    uint64_t oldest = userdb_newest(m->users);

    for (size_t i = 0; i < m->children->count; i++)
        for (size_t j = 0; j < m->children->child[i].verifications; j++)
            if (m->children->child[i].verification[j].generation < oldest)
                oldest = m->children->child[i].verification[j].generation;
    return oldest;
}

/* The key of auth's hashes of names: the same in all workers and, with the key
 * of the partials' names, after a restart. */
static uint64_t half_of_key(const struct master *m, const char *which)
{
    return siphash(m->name_key, which, strlen(which));
}

int worker_send_users(struct child *c)
{
    const struct userdb *u = c->master->users;
    int r =
        SEND(&c->channel, users, 0, .edition = userdb_newest(u),
             .name_key_1 = half_of_key(c->master, "auth 1"),
             .name_key_2 = half_of_key(c->master, "auth 2"), .users = u->fd);

    if (r == 0)
        c->generation = userdb_newest(u);
    return r;
}

static void tell(struct child *c)
{
    if (c->generation != userdb_newest(c->master->users) &&
        worker_send_users(c) == -EAGAIN)
        child_wait_writable(c);
}

void workers_tell(struct master *m)
{
    for (size_t i = 0; i < m->children->count; i++) {
        struct child *c = auth_at(m, i);

        if (c)
            tell(c);
    }
}

static int lie(struct child *c, const char *what)
{
    c->channel.wrong = what;
    return -EPROTO;
}

/* It may answer by any generation from the one it was asked for to the newest
 * that it was told. Only a generation that is still kept has rows to look
 * at. */
static const char *objection(const struct child *c,
                             const struct verification *v,
                             const struct msg_verdict *msg)
{
    const struct users *users;

    if (!v)
        return "a verdict that nobody asked for";
    if (msg->edition < v->generation || msg->edition > c->generation)
        return "a verdict by a wrong generation of the users file";
    users = userdb_find(c->master->users, msg->edition);
    if (!msg->accepted || !users)
        return NULL;
    if (msg->row >= users->count)
        return "a verdict with a row that is not there";
    return users->row[msg->row].locked ? "a yes for a locked user" : NULL;
}

int worker_on_verdict(void *owner, struct msg_verdict *msg)
{
    struct child *c = owner;
    struct verification *v = find(c, msg->serial);
    const char *wrong = objection(c, v, msg);
    struct verdict verdict = { .right = msg->accepted,
                               .generation = msg->edition,
                               .row = msg->row,
                               .guess.name = msg->name };
    struct session *s;

    if (wrong)
        return lie(c, wrong);
    s = v->session;
    verdict.guess.peer = v->peer;
    answer_count(c->master, &verdict);
    *v = c->verification[--c->verifications];
    if (c->verifications > 0)
        loop_timer_set(&c->master->loop, &c->timer,
                       c->master->deadlines.silence);
    else
        loop_timer_clear(&c->master->loop, &c->timer);
    if (s)
        login_on_verdict(s, &verdict);
    userdb_drop(c->master->users, worker_oldest(c->master));
    login_retry(c->master); /* a place is free */
    return 0;
}

void worker_on_ready(struct child *c)
{
    tell(c);
    login_retry(c->master);
    services_flush(c->master);
}

void worker_on_writable(struct child *c)
{
    tell(c);
    login_retry(c->master); /* it may have the newest users file now */
    services_flush(c->master);
}

void worker_on_gone(struct child *c)
{
    while (c->verifications > 0) {
        struct session *s = c->verification[--c->verifications].session;

        if (s)
            login_deny(s, DENIAL_BUSY);
    }
    userdb_drop(c->master->users, worker_oldest(c->master));
}

void worker_on_time(struct child *c)
{
    child_end(c, "gave no verdict in time");
}
