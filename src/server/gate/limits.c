/* Decides whether a connection may enter. Runs in gate, before any fork. It
 * never does input or output, and uses no clock. */
#include "limits.h"

#include <errno.h>
#include <string.h>

#include "memory.h"
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
        .prefixes = 2 * (places + LIMIT_QUEUE),
        .buckets = table_buckets(places),
    };
    random_bytes(l->key, sizeof(l->key));
    l->slot = pages_new(l->prefixes, sizeof(*l->slot));
    l->chain = pages_new(l->buckets, sizeof(*l->chain));
    if (!l->slot || !l->chain) {
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
    *l = (struct limits){ 0 };
}

/* The hash is keyed, so that nobody can choose addresses that collide. */
static struct prefix_chain *prefix_chain_of(const struct limits *l,
                                            const struct address *prefix)
{
    uint64_t h = network_hash(l->key, 0, prefix, 128);

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

static struct prefix_count *network_find(const struct limits *l,
                                         const struct address *peer)
{
    struct address network = address_network_prefix(peer);

    return prefix_find(l, &network);
}

uint64_t limits_waiting(const struct limits *l, const struct address *peer)
{
    const struct prefix_count *p = network_find(l, peer);

    return p ? p->waiting : 0;
}

uint64_t limits_of_network(const struct limits *l, const struct address *peer)
{
    const struct prefix_count *p = network_find(l, peer);

    return p ? p->of_network : 0;
}

enum limit limits_check_client(const struct limits *l,
                               const struct address *peer)
{
    struct address client = address_client_prefix(peer);
    const struct prefix_count *p = prefix_find(l, &client);

    if (p && p->of_client >= l->max_per_address)
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
    struct address client = address_client_prefix(peer),
                   network = address_network_prefix(peer);

    prefix_find_or_make(l, &client)->of_client++;
    prefix_find_or_make(l, &network)->of_network++;
}

void limits_begin_wait(struct limits *l, const struct address *peer)
{
    l->waiting++;
    network_find(l, peer)->waiting++;
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
    p->waiting--;
}

static void prefix_free_if_unused(struct limits *l, struct prefix_count *p)
{
    if (p->of_client > 0 || p->of_network > 0)
        return;
    LIST_REMOVE(p, chain);
    SLIST_INSERT_HEAD(&l->unused, p, unused);
}

void limits_count_out(struct limits *l, const struct address *peer)
{
    struct address client = address_client_prefix(peer);
    struct prefix_count *p = prefix_find(l, &client),
                        *n = network_find(l, peer);

    p->of_client--;
    n->of_network--;
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

void fruitless_init(struct fruitless *f)
{
    memset(f->debt, 0, sizeof(f->debt));
    random_bytes(f->key, sizeof(f->key));
}

/* The credit, a quarter of a minute, is always enough for one session. Bounds
 * the debt by about twice the credit: if many sessions of a client end without
 * a login, the client doesn't have to wait for all of them. */
static struct network_rate fruitless_rate(uint64_t most)
{
    return (struct network_rate){ FRUITLESS_MINUTE / most,
                                  FRUITLESS_MINUTE / (most < 4 ? most : 4),
                                  most / 4 + 1 };
}

void fruitless_add(struct fruitless *f, const struct address *peer,
                   uint64_t most, uint64_t now)
{
    const struct network_rate rate = fruitless_rate(most);

    network_count(f->debt, f->key, peer, &rate, now * 1000);
}

bool fruitless_too_many(const struct fruitless *f, const struct address *peer,
                        uint64_t most, uint64_t now)
{
    const struct network_rate rate = fruitless_rate(most);

    return network_wait(f->debt, f->key, peer, &rate, now * 1000, NULL) > 0;
}
