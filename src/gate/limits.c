/* The counts that decide whether a connection may enter. In gate, before any
 * fork; never does input or output. */
#include "limits.h"

#include <errno.h>

#include "sallyport/base/secret.h"
#include "table.h"

static const struct limit_text {
    const char *reason, *words;
} texts[LIMIT_COUNT] = {
    [LIMIT_NONE] = { "", "" },
    [LIMIT_SESSIONS] = { "max_sessions", "the server is full" },
    [LIMIT_ADDRESS] = { "max_per_address", "from your address" },
    [LIMIT_STARTUPS] = { "startups", "many are logging in just now" },
    [LIMIT_RESOURCES] = { "resources", "the server is busy" },
};

const char *limit_reason(enum limit l)
{
    return texts[l].reason;
}

const char *limit_words(enum limit l)
{
    return texts[l].words;
}

struct address limit_prefix(const struct address *peer)
{
    return address_prefix(peer, peer->family == 4 ? 32 : 64);
}

int limits_init(struct limits *l, const struct settings *s)
{
    *l = (struct limits){
        .max_sessions = s->max_sessions,
        .max_per_address = s->max_per_address,
        .startups = s->startups,
        .buckets = table_buckets(s->max_sessions),
    };
    random_bytes(l->key, sizeof(l->key));
    l->slot = table_new(l->max_sessions, sizeof(*l->slot));
    l->chain = table_new(l->buckets, sizeof(*l->chain));
    if (!l->slot || !l->chain) {
        limits_release(l);
        return -ENOMEM;
    }
    for (size_t i = l->max_sessions; i-- > 0;)
        LIST_INSERT_HEAD(&l->unused, &l->slot[i], chain);
    return 0;
}

void limits_change(struct limits *l, const struct settings *s)
{
    l->max_per_address = s->max_per_address;
    l->startups = s->startups;
}

void limits_release(struct limits *l)
{
    table_free(l->slot, l->max_sessions, sizeof(*l->slot));
    table_free(l->chain, l->buckets, sizeof(*l->chain));
    *l = (struct limits){ 0 };
}

/* The hash is keyed, so that nobody can choose addresses that collide. */
static struct prefix_chain *chain_of(const struct limits *l,
                                     const struct address *prefix)
{
    uint64_t h = siphash(l->key, prefix->bytes, sizeof(prefix->bytes));

    return &l->chain[h & (l->buckets - 1)];
}

static struct prefix_count *find(const struct limits *l,
                                 const struct address *prefix)
{
    struct prefix_count *p;

    LIST_FOREACH(p, chain_of(l, prefix), chain)
    if (address_same_host(&p->prefix, prefix))
        return p;
    return NULL;
}

/* As OpenSSH's MaxStartups: from begin on rate percent are dropped, rising to
 * all of them at full. */
static bool drops_early(const struct limits *l, unsigned dice)
{
    uint64_t begin = l->startups.begin, full = l->startups.full;
    uint64_t rate = l->startups.rate;

    if (l->waiting < begin)
        return false;
    if (l->waiting >= full || rate >= 100)
        return true;
    return dice < rate + (100 - rate) * (l->waiting - begin) / (full - begin);
}

enum limit limits_check_client(const struct limits *l,
                               const struct address *peer)
{
    struct address prefix = limit_prefix(peer);
    const struct prefix_count *p = find(l, &prefix);

    return (p ? p->count : 0) >= l->max_per_address ? LIMIT_ADDRESS
                                                    : LIMIT_NONE;
}

enum limit limits_check(const struct limits *l, const struct address *peer,
                        unsigned dice)
{
    if (l->total >= l->max_sessions)
        return LIMIT_SESSIONS;
    if (peer && limits_check_client(l, peer) != LIMIT_NONE)
        return LIMIT_ADDRESS;
    return drops_early(l, dice) ? LIMIT_STARTUPS : LIMIT_NONE;
}

void limits_know(struct limits *l, const struct address *peer)
{
    struct address prefix = limit_prefix(peer);
    struct prefix_count *p = find(l, &prefix);

    if (!p) {
        p = LIST_FIRST(&l->unused); /* as many as sessions: never empty */
        LIST_REMOVE(p, chain);
        *p = (struct prefix_count){ .prefix = prefix };
        LIST_INSERT_HEAD(chain_of(l, &prefix), p, chain);
    }
    p->count++;
}

void limits_enter(struct limits *l, const struct address *peer)
{
    if (peer)
        limits_know(l, peer);
    l->total++;
    l->waiting++;
}

void limits_logged_in(struct limits *l)
{
    l->waiting--;
}

static void forget(struct limits *l, const struct address *peer)
{
    struct address prefix = limit_prefix(peer);
    struct prefix_count *p = find(l, &prefix);

    if (p && --p->count == 0) {
        LIST_REMOVE(p, chain);
        LIST_INSERT_HEAD(&l->unused, p, chain);
    }
}

void limits_leave(struct limits *l, const struct address *peer, bool logged_in)
{
    if (peer)
        forget(l, peer);
    l->total--;
    if (!logged_in)
        l->waiting--;
}
