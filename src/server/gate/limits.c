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
        .prefixes = PREFIXES * (places + LIMIT_QUEUE),
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
                                            const struct network *n)
{
    uint64_t h = network_hash(l->key, 0, &n->address, n->bits);

    return &l->chain[h & (l->buckets - 1)];
}

static struct prefix_count *
prefix_find(const struct limits *l, const struct address *peer, unsigned bits)
{
    const struct network n = { address_prefix(peer, bits), bits };
    struct prefix_count *p;

    LIST_FOREACH(p, prefix_chain_of(l, &n), chain)
        if (p->prefix.bits == bits &&
            address_same_host(&p->prefix.address, &n.address))
            return p;
    return NULL;
}

enum limit limits_check_client(const struct limits *l,
                               const struct address *peer)
{
    const struct prefix_count *p =
        prefix_find(l, peer, address_client_bits(peer));

    if (p && p->all >= l->max_per_address)
        return LIMIT_ADDRESS;
    return limits_full(l) ? LIMIT_STARTUPS : LIMIT_NONE;
}

enum limit limits_check(const struct limits *l, uint64_t coming)
{
    return l->total + coming >= l->max_sessions ? LIMIT_SESSIONS : LIMIT_NONE;
}

bool limits_full(const struct limits *l)
{
    return l->waiting >= l->startups;
}

static struct prefix_count *
prefix_find_or_make(struct limits *l, const struct address *peer, unsigned bits)
{
    struct prefix_count *p = prefix_find(l, peer, bits);

    if (p)
        return p;
    p = SLIST_FIRST(&l->unused); /* never empty: there are enough records for
                                    the networks of all connections */
    SLIST_REMOVE_HEAD(&l->unused, unused);
    p->prefix = (struct network){ address_prefix(peer, bits), bits };
    LIST_INSERT_HEAD(prefix_chain_of(l, &p->prefix), p, chain);
    return p;
}

void limits_count_in(struct limits *l, const struct address *peer)
{
    if (!peer) {
        l->unknown++;
        return;
    }
    NETWORK_LEVELS_EACH(peer, level)
        prefix_find_or_make(l, peer, level->bits)->all++;
}

void limits_add(struct limits *l, const struct address *peer)
{
    l->unknown--;
    limits_count_in(l, peer);
}

void limits_enter(struct limits *l, const struct address *peer)
{
    l->total++;
    limits_count_in(l, peer);
}

struct prefixes limits_prefixes(const struct limits *l,
                                const struct address *peer)
{
    struct prefixes n = { 0 };
    size_t i = 0;

    for (size_t k = NETWORK_LEVELS; peer && k-- > 0;)
        if (network_levels[k].family == peer->family)
            n.of[i++] = prefix_find(l, peer, network_levels[k].bits);
    return n;
}

void limits_line(struct limits *l, enum line line, const struct prefixes *n,
                 int more)
{
    if (line == LINE_LOGIN)
        l->waiting += (uint64_t)more;
    for (size_t i = 0; i < PREFIXES && n->of[i]; i++)
        n->of[i]->line[line] += (uint64_t)more;
}

static uint64_t prefixes_weight(const struct prefixes *n, size_t i,
                                enum line line)
{
    return n->of[i] ? n->of[i]->line[line] : 0;
}

/* An IPv4 address is its own /56 and /64, or it would be lighter than an IPv6
 * /48 with as many. */
static size_t prefixes_level(const struct prefixes *n, size_t i)
{
    return n->of[i] ? i : 0;
}

/* Returns less than 0 if A is lighter than B, more than 0 if it is heavier. */
static int prefixes_compare(enum line line, const struct prefixes *a,
                            const struct prefixes *b)
{
    for (size_t i = 0; i < PREFIXES; i++) {
        const uint64_t x = prefixes_weight(a, prefixes_level(a, i), line),
                       y = prefixes_weight(b, prefixes_level(b, i), line);

        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

bool limits_makes_room(enum line line, const struct prefixes *a, bool late,
                       const struct prefixes *best, const struct prefixes *n)
{
    size_t i = 0;

    while (i < PREFIXES && a->of[i] == n->of[i])
        i++;
    return i < PREFIXES &&
           prefixes_weight(a, i, line) + late >
               prefixes_weight(n, i, line) + 1 &&
           (!best || prefixes_compare(line, a, best) > 0);
}

bool limits_before(const struct prefixes *a, const struct prefixes *b)
{
    const int r = prefixes_compare(LINE_LOGIN, a, b);

    return r < 0 || (r == 0 && prefixes_compare(LINE_QUEUE, a, b) < 0);
}

void limits_count_out(struct limits *l, const struct address *peer)
{
    if (!peer) {
        l->unknown--;
        return;
    }
    NETWORK_LEVELS_EACH(peer, level) {
        struct prefix_count *p = prefix_find(l, peer, level->bits);

        if (--p->all > 0)
            continue;
        LIST_REMOVE(p, chain);
        SLIST_INSERT_HEAD(&l->unused, p, unused);
    }
}

void limits_leave(struct limits *l, const struct address *peer)
{
    l->total--;
    limits_count_out(l, peer);
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
