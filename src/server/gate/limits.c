/* Decides whether a connection may enter. Runs in gate, before any fork. It
 * never does input or output, and uses no clock. */
#include "limits.h"

#include <errno.h>
#include <string.h>

#include "memory.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/random.h"

#define TOO_MANY(words) "Too many connections: " words ". Try again later"

const struct limit_text limit_texts[LIMIT_COUNT] = {
    [LIMIT_NONE] = { "", "" },
    [LIMIT_SESSIONS] = { "max_sessions", TOO_MANY("the server is full") },
    [LIMIT_ADDRESS] = { "max_per_address", TOO_MANY("from your address") },
    [LIMIT_STARTUPS] = { "startups", "The server is busy with other logins. "
                                     "Try again later" },
    [LIMIT_FRUITLESS] = { "max_fruitless", "Too many connections from your "
                                           "address ended without a login. "
                                           "Try again later" },
    [LIMIT_BANNED] = { "ban", "Your address is banned. Try again later, or ask "
                              "the administrator" },
    [LIMIT_DRAIN] = { "drain", "" },
    [LIMIT_AWAY] = { "files away", "The server can't reach its files now. Try "
                                   "again later" },
    [LIMIT_RESOURCES] = { "resources", TOO_MANY("the server is busy") },
    [LIMIT_MASTER] = { "no master", TOO_MANY("the server is starting again") },
};

enum limit limit_of(int result)
{
    if (result == 0)
        return LIMIT_NONE;
    return result == -EPIPE ? LIMIT_MASTER : LIMIT_RESOURCES;
}

int limits_init(struct limits *l, const struct settings *s, size_t places)
{
    *l = (struct limits){
        .max_sessions = s->max_sessions,
        .max_per_address = s->max_per_address,
        .startups = s->startups,
        .places = places,
        .prefixes = 2 * (places + LIMIT_QUEUE),
        .buckets = table_buckets(places),
    };
    random_bytes(l->key, sizeof(l->key));
    l->slot = pages_new(l->prefixes, sizeof(*l->slot));
    l->chain = pages_new(l->buckets, sizeof(*l->chain));
    l->many = pages_new(l->places + 1, sizeof(*l->many));
    if (!l->slot || !l->chain || !l->many) {
        limits_release(l);
        return -ENOMEM;
    }
    for (size_t i = l->prefixes; i-- > 0;)
        SLIST_INSERT_HEAD(&l->unused, &l->slot[i], unused);
    return 0;
}

void limits_release(struct limits *l)
{
    pages_free(l->slot, l->prefixes, sizeof(*l->slot));
    pages_free(l->chain, l->buckets, sizeof(*l->chain));
    pages_free(l->many, l->places + 1, sizeof(*l->many));
    *l = (struct limits){ 0 };
}

/* The hash is keyed, so that nobody can choose addresses that collide. */
static struct prefix_chain *prefix_chain_of(const struct limits *l,
                                            const struct address *prefix)
{
    uint64_t h = address_hash(l->key, prefix);

    return &l->chain[h & (l->buckets - 1)];
}

static struct prefix_count *prefix_find(const struct limits *l,
                                        const struct address *prefix)
{
    struct prefix_count *p;

    LIST_FOREACH(p, prefix_chain_of(l, prefix), chain)
        if (address_same_host(&p->prefix, prefix))
            return p;
    return NULL;
}

static struct address network_of(const struct address *peer)
{
    return address_prefix(peer, peer->family == 4 ? 32 : 48);
}

static struct prefix_count *network_find(const struct limits *l,
                                         const struct address *peer)
{
    struct address network = network_of(peer);

    return prefix_find(l, &network);
}

uint64_t limits_waiting(const struct limits *l, const struct address *peer)
{
    const struct prefix_count *p = network_find(l, peer);

    return p ? p->waiting : 0;
}

uint64_t limits_crowd(const struct limits *l, const struct address *peer)
{
    const struct prefix_count *p = network_find(l, peer);

    return p ? p->crowd : 0;
}

enum limit limits_check_client(const struct limits *l,
                               const struct address *peer)
{
    struct address client = address_client(peer);
    const struct prefix_count *p = prefix_find(l, &client);

    if (p && p->count >= l->max_per_address)
        return LIMIT_ADDRESS;
    return limits_full(l) ? LIMIT_STARTUPS : LIMIT_NONE;
}

enum limit limits_check(const struct limits *l)
{
    return l->total >= l->max_sessions ? LIMIT_SESSIONS : LIMIT_NONE;
}

bool limits_full(const struct limits *l)
{
    return l->waiting >= l->startups;
}

bool limits_is_heaviest(const struct limits *l, const struct address *peer)
{
    return l->most > 0 && limits_waiting(l, peer) == l->most;
}

uint64_t limits_lead(const struct limits *l, const struct address *peer)
{
    return l->most - limits_waiting(l, peer);
}

static struct prefix_count *prefix_find_or_make(struct limits *l,
                                                const struct address *prefix)
{
    struct prefix_count *p = prefix_find(l, prefix);

    if (p)
        return p;
    p = SLIST_FIRST(&l->unused); /* never empty: there are two records for each
                                    counted connection */
    SLIST_REMOVE_HEAD(&l->unused, unused);
    *p = (struct prefix_count){ .prefix = *prefix };
    LIST_INSERT_HEAD(prefix_chain_of(l, prefix), p, chain);
    return p;
}

void limits_count_in(struct limits *l, const struct address *peer)
{
    struct address client = address_client(peer), network = network_of(peer);

    prefix_find_or_make(l, &client)->count++;
    prefix_find_or_make(l, &network)->crowd++;
}

void limits_begin_wait(struct limits *l, const struct address *peer)
{
    struct prefix_count *p = network_find(l, peer);

    l->waiting++;
    l->many[++p->waiting]++;
    if (p->waiting > l->most)
        l->most = p->waiting;
}

void limits_add(struct limits *l, const struct address *peer)
{
    l->unknown--;
    limits_count_in(l, peer);
}

void limits_enter(struct limits *l, const struct address *peer)
{
    l->total++;
    if (!peer) {
        l->unknown++;
        return;
    }
    limits_count_in(l, peer);
    limits_begin_wait(l, peer);
}

void limits_end_wait(struct limits *l, const struct address *peer)
{
    struct prefix_count *p = network_find(l, peer);

    if (!p || p->waiting == 0)
        return;
    l->waiting--;
    l->many[p->waiting--]--;
    while (l->most > 0 && l->many[l->most] == 0)
        l->most--;
}

static void prefix_free_if_unused(struct limits *l, struct prefix_count *p)
{
    if (p->count > 0 || p->crowd > 0)
        return;
    LIST_REMOVE(p, chain);
    SLIST_INSERT_HEAD(&l->unused, p, unused);
}

void limits_count_out(struct limits *l, const struct address *peer)
{
    struct address client = address_client(peer);
    struct prefix_count *p = prefix_find(l, &client),
                        *n = network_find(l, peer);

    p->count--;
    n->crowd--;
    prefix_free_if_unused(l, p);
    if (n != p)
        prefix_free_if_unused(l, n);
}

void limits_leave(struct limits *l, const struct address *peer)
{
    l->total--;
    if (peer)
        limits_count_out(l, peer);
    else
        l->unknown--;
}

/* Counts fruitless sessions as debts in a fixed number of slots. A keyed hash
 * of the prefix chooses the slot. A flood from many prefixes fills as many
 * slots, and another client shares one of them only by chance. */

void fruitless_init(struct fruitless *f)
{
    memset(f->debt, 0, sizeof(f->debt));
    random_bytes(f->key, sizeof(f->key));
}

/* Returns the credit for debt_wait(), in us: always enough for one session. */
static uint64_t fruitless_credit(uint64_t most)
{
    return FRUITLESS_MINUTE / (most < 4 ? most : 4);
}

/* Bounds the debt by twice the credit: if many sessions of a client end without
 * a login, the client doesn't have to wait for all of them. */
void fruitless_add(struct fruitless *f, const struct address *prefix,
                   uint64_t most, uint64_t now)
{
    debt_add(&f->debt[address_hash(f->key, prefix) % FRUITLESS_SLOTS],
             FRUITLESS_MINUTE / most, 2 * fruitless_credit(most), now * 1000);
}

bool fruitless_too_many(const struct fruitless *f, const struct address *prefix,
                        uint64_t most, uint64_t now)
{
    return debt_wait(&f->debt[address_hash(f->key, prefix) % FRUITLESS_SLOTS],
                     FRUITLESS_MINUTE / most, fruitless_credit(most),
                     now * 1000) > 0;
}
