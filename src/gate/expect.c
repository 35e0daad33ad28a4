/* The table of expected data connections. Runs in gate; pure, except for its
 * random key. Its size is fixed: if it is full, the pair that has rested
 * longest is forgotten, or the request is refused. */
#include "expect.h"

#include <errno.h>

#include "memory.h"
#include "sallyport/base/random.h"

int expect_init(struct expect *e, size_t size, uint64_t wait_ms)
{
    *e = (struct expect){ .size = size,
                          .buckets = table_buckets(size / 4 + 1),
                          .wait_ms = wait_ms };
    TAILQ_INIT(&e->unused);
    TAILQ_INIT(&e->expected);
    TAILQ_INIT(&e->resting);
    random_bytes(e->key, sizeof(e->key));
    e->slot = table_new(size, sizeof(*e->slot));
    e->host = table_new(e->buckets, sizeof(*e->host));
    if (!e->slot || !e->host) {
        expect_release(e);
        return -ENOMEM;
    }
    return 0;
}

void expect_release(struct expect *e)
{
    table_free(e->slot, e->size, sizeof(*e->slot));
    table_free(e->host, e->buckets, sizeof(*e->host));
    e->slot = NULL;
    e->host = NULL;
}

static struct pair_list *pairs_of_host(const struct expect *e,
                                       const struct address *client)
{
    uint64_t h = siphash(e->key, client->bytes, sizeof(client->bytes));

    return &e->host[h & (e->buckets - 1)];
}

struct pair *expect_find(const struct expect *e, const struct address *client,
                         const struct port *port)
{
    struct pair *p;

    LIST_FOREACH(p, pairs_of_host(e, client), of_host)
        if (p->port == port && address_same_host(&p->client, client))
            return p;
    return NULL;
}

void expect_each_port(const struct expect *e, const struct address *client,
                      void (*seen)(struct port *port, void *owner), void *owner)
{
    const struct pair *p;

    LIST_FOREACH(p, pairs_of_host(e, client), of_host)
        if (address_same_host(&p->client, client))
            seen(p->port, owner);
}

static struct pair_queue *pair_queue_of(struct expect *e, const struct pair *p)
{
    return p->child ? &e->expected : &e->resting;
}

static void pair_forget(struct expect *e, struct pair *p)
{
    TAILQ_REMOVE(pair_queue_of(e, p), p, in_time);
    LIST_REMOVE(p, of_host);
    if (p->child)
        LIST_REMOVE(p, at_port);
    *p = (struct pair){ 0 };
    TAILQ_INSERT_HEAD(&e->unused, p, in_time);
}

static struct pair *pair_take(struct expect *e)
{
    struct pair *p;

    if (TAILQ_EMPTY(&e->unused) && e->touched < e->size)
        return &e->slot[e->touched++];
    if (TAILQ_EMPTY(&e->unused) && !TAILQ_EMPTY(&e->resting))
        pair_forget(e, TAILQ_FIRST(&e->resting));
    p = TAILQ_FIRST(&e->unused);
    if (p)
        TAILQ_REMOVE(&e->unused, p, in_time);
    return p;
}

/* Inserts in the order of the ends. Nearly always the place is the last one. */
static void insert_in_time(struct pair_queue *queue, struct pair *p)
{
    struct pair *before = TAILQ_LAST(queue, pair_queue);

    while (before && before->until > p->until)
        before = TAILQ_PREV(before, pair_queue, in_time);
    if (before)
        TAILQ_INSERT_AFTER(queue, before, p, in_time);
    else
        TAILQ_INSERT_HEAD(queue, p, in_time);
}

static struct pair *pair_add(struct expect *e, const struct address *client,
                             struct port *port, struct child *child,
                             uint64_t until)
{
    struct pair *p = pair_take(e);

    if (!p)
        return NULL;
    *p = (struct pair){
        .client = *client, .port = port, .child = child, .until = until
    };
    LIST_INSERT_HEAD(pairs_of_host(e, client), p, of_host);
    insert_in_time(pair_queue_of(e, p), p);
    return p;
}

struct pair *expect_add(struct expect *e, const struct address *client,
                        struct port *port, struct pair_list *at_port,
                        struct child *child, uint64_t now)
{
    struct pair *p = pair_add(e, client, port, child, now + e->wait_ms);

    if (p)
        LIST_INSERT_HEAD(at_port, p, at_port);
    return p;
}

struct pair *expect_adopt(struct expect *e, const struct address *client,
                          struct port *port, struct pair_list *at_port,
                          struct child *child, uint64_t until)
{
    struct pair *p = NULL;

    if (!expect_find(e, client, port))
        p = pair_add(e, client, port, child, until);
    if (p)
        LIST_INSERT_HEAD(at_port, p, at_port);
    return p;
}

static void pair_rest(struct expect *e, struct pair *p, uint64_t now)
{
    TAILQ_REMOVE(&e->expected, p, in_time);
    LIST_REMOVE(p, at_port);
    p->child = NULL;
    p->until = now + EXPECT_REST_MS;
    insert_in_time(&e->resting, p);
}

static struct leaver *leaver_of(struct pair *p, uint64_t user)
{
    for (size_t i = 0; i < EXPECT_LEAVERS; i++)
        if (p->leaver[i].until > 0 && p->leaver[i].user == user)
            return &p->leaver[i];
    return NULL;
}

/* Returns the user's own place, or the place that ends first. */
static struct leaver *place_of(struct pair *p, uint64_t user)
{
    struct leaver *own = leaver_of(p, user), *best = &p->leaver[0];

    for (size_t i = 0; i < EXPECT_LEAVERS; i++)
        if (p->leaver[i].until < best->until)
            best = &p->leaver[i];
    return own ? own : best;
}

void expect_rest(struct expect *e, struct pair *p, uint64_t now)
{
    *place_of(p, p->user) =
        (struct leaver){ .user = p->user, .until = now + EXPECT_REST_MS };
    pair_rest(e, p, now);
}

void expect_adopt_rest(struct expect *e, const struct address *client,
                       struct port *port, const struct leaver *leaver,
                       uint64_t session, uint64_t now)
{
    struct pair *p = expect_find(e, client, port);
    struct leaver own = *leaver;

    if (own.until > now + EXPECT_REST_MS)
        own.until = now + EXPECT_REST_MS;
    if (!p)
        p = pair_add(e, client, port, NULL, own.until);
    if (!p)
        return;
    *place_of(p, own.user) = own;
    if (p->child)
        return;
    p->session = session;
    p->user = own.user;
    if (p->until < own.until) {
        TAILQ_REMOVE(&e->resting, p, in_time);
        p->until = own.until;
        insert_in_time(&e->resting, p);
    }
}

struct rests expect_rests(const struct expect *e, const struct address *client,
                          uint64_t session)
{
    struct rests r = { 0 };
    struct pair *p;

    LIST_FOREACH(p, pairs_of_host(e, client), of_host) {
        if (p->child || !address_same_host(&p->client, client))
            continue;
        r.of_host++;
        if (p->session != session)
            continue;
        r.of_session++;
        if (!r.longest || p->until < r.longest->until)
            r.longest = p;
    }
    return r;
}

void expect_again(struct expect *e, struct pair *p, struct pair_list *at_port,
                  struct child *child, uint64_t now)
{
    TAILQ_REMOVE(&e->resting, p, in_time);
    p->child = child;
    p->until = now + e->wait_ms;
    p->tries = 0;
    LIST_INSERT_HEAD(at_port, p, at_port);
    insert_in_time(&e->expected, p);
}

static size_t living_leavers(const struct pair *p, uint64_t now)
{
    size_t n = 0;

    for (size_t i = 0; i < EXPECT_LEAVERS; i++)
        n += p->leaver[i].until > now;
    return n;
}

static bool was_left_by(const struct pair *p, uint64_t user, uint64_t now)
{
    for (size_t i = 0; i < EXPECT_LEAVERS; i++)
        if (p->leaver[i].until > now && p->leaver[i].user == user)
            return true;
    return p->child && p->user == user;
}

/* There must be a place for one more leaver: the session that expects now may
 * become one. */
static bool may_have(const struct expect *e, const struct pair *p,
                     uint64_t user, uint64_t now)
{
    bool held = p->child && p->until + EXPECT_HOLD_MS > now + e->wait_ms;

    return !held && !p->given && !was_left_by(p, user, now) &&
           living_leavers(p, now) + 1 < EXPECT_LEAVERS;
}

/* Pairs that rest come before pairs that are expected. */
static bool is_better(const struct pair *p, const struct pair *best)
{
    if (!best || !p->child != !best->child)
        return !best || !p->child;
    return p->until < best->until;
}

struct pair *expect_other(const struct expect *e, const struct address *client,
                          uint64_t user, uint64_t now,
                          bool (*fits)(const struct port *port,
                                       const struct child *c),
                          const struct child *c)
{
    struct pair *p, *best = NULL;

    LIST_FOREACH(p, pairs_of_host(e, client), of_host)
        if (address_same_host(&p->client, client) &&
            may_have(e, p, user, now) && is_better(p, best) && fits(p->port, c))
            best = p;
    return best;
}

bool expect_doubtful(const struct pair *p, uint64_t now)
{
    for (size_t i = 0; i < EXPECT_LEAVERS; i++)
        if (p->leaver[i].until > now && p->leaver[i].user != p->user)
            return true;
    return false;
}

/* This connection is the late one of this user's client. */
void expect_used(struct expect *e, struct pair *p, uint64_t now)
{
    struct leaver *own = leaver_of(p, p->user);

    if (own)
        own->until = 0;
    if (living_leavers(p, now) == 0) {
        pair_forget(e, p);
        return;
    }
    p->session = 0;
    pair_rest(e, p, now);
}

struct pair *expect_due(struct expect *e, uint64_t now)
{
    struct pair *p;

    while ((p = TAILQ_FIRST(&e->resting)) && p->until <= now)
        pair_forget(e, p);
    p = TAILQ_FIRST(&e->expected);
    return p && p->until <= now ? p : NULL;
}

/* Both queues are in the order of their ends. */
uint64_t expect_next(const struct expect *e)
{
    const struct pair *a = TAILQ_FIRST(&e->expected);
    const struct pair *b = TAILQ_FIRST(&e->resting);

    if (!a || !b)
        return a ? a->until : b ? b->until : 0;
    return a->until < b->until ? a->until : b->until;
}
