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
    [LIMIT_FRUITLESS] = { "max_fruitless", "from your address, without login" },
    [LIMIT_BANNED] = { "crash_ban", "from your address, for a while" },
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
    l->many = table_new(l->max_sessions + 1, sizeof(*l->many));
    if (!l->slot || !l->chain || !l->many) {
        limits_release(l);
        return -ENOMEM;
    }
    for (size_t i = l->max_sessions; i-- > 0;)
        SLIST_INSERT_HEAD(&l->unused, &l->slot[i], unused);
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
    table_free(l->many, l->max_sessions + 1, sizeof(*l->many));
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

/* How many are waiting, as a prefix sees it that has N of them: no other one
 * counts for more than it would have with one more. So whoever holds many
 * places stands in his own way and in nobody else's. */
static uint64_t load_for(const struct limits *l, uint64_t n)
{
    uint64_t load = 0;

    for (uint64_t i = 1; i <= n + 1 && i <= l->most; i++)
        load += l->many[i];
    return load;
}

/* As OpenSSH's MaxStartups: from begin on rate percent are dropped, rising to
 * all of them at full. */
static bool drops_early(const struct startups *s, uint64_t load, unsigned dice)
{
    uint64_t begin = s->begin, full = s->full, rate = s->rate;

    if (load < begin)
        return false;
    if (load >= full || rate >= 100)
        return true;
    return dice < rate + (100 - rate) * (load - begin) / (full - begin);
}

enum limit limits_check_client(const struct limits *l,
                               const struct address *peer, unsigned dice)
{
    struct address prefix = limit_prefix(peer);
    const struct prefix_count *p = find(l, &prefix);

    if ((p ? p->count : 0) >= l->max_per_address)
        return LIMIT_ADDRESS;
    if (drops_early(&l->startups, load_for(l, p ? p->waiting : 0), dice))
        return LIMIT_STARTUPS;
    return LIMIT_NONE;
}

enum limit limits_check(const struct limits *l, const struct address *peer,
                        unsigned dice)
{
    if (l->total >= l->max_sessions)
        return LIMIT_SESSIONS;
    return peer ? limits_check_client(l, peer, dice) : LIMIT_NONE;
}

/* A load below FULL while FULL are waiting means that some prefix has two more
 * than the one that knocks; so it is never the heaviest itself. */
bool limits_full(const struct limits *l)
{
    return l->waiting > 0 && l->waiting >= l->startups.full;
}

bool limits_is_heaviest(const struct limits *l, const struct address *peer)
{
    struct address prefix = limit_prefix(peer);
    const struct prefix_count *p = find(l, &prefix);

    return p && p->waiting > 0 && p->waiting == l->most;
}

static struct prefix_count *find_or_make(struct limits *l,
                                         const struct address *prefix)
{
    struct prefix_count *p = find(l, prefix);

    if (p)
        return p;
    p = SLIST_FIRST(&l->unused); /* as many as sessions: never empty */
    SLIST_REMOVE_HEAD(&l->unused, unused);
    *p = (struct prefix_count){ .prefix = *prefix };
    LIST_INSERT_HEAD(chain_of(l, prefix), p, chain);
    return p;
}

static void count_in(struct limits *l, const struct address *peer)
{
    struct address prefix = limit_prefix(peer);
    struct prefix_count *p = find_or_make(l, &prefix);

    p->count++;
    l->waiting++;
    l->many[++p->waiting]++;
    if (p->waiting > l->most)
        l->most = p->waiting;
}

void limits_know(struct limits *l, const struct address *peer)
{
    l->unknown--;
    count_in(l, peer);
}

void limits_enter(struct limits *l, const struct address *peer)
{
    l->total++;
    if (peer)
        count_in(l, peer);
    else
        l->unknown++;
}

void limits_settle(struct limits *l, const struct address *peer)
{
    struct address prefix = limit_prefix(peer);
    struct prefix_count *p = find(l, &prefix);

    if (!p || p->waiting == 0)
        return;
    l->waiting--;
    l->many[p->waiting--]--;
    while (l->most > 0 && l->many[l->most] == 0)
        l->most--;
}

static void forget(struct limits *l, const struct address *peer)
{
    struct address prefix = limit_prefix(peer);
    struct prefix_count *p = find(l, &prefix);

    if (p && --p->count == 0) {
        LIST_REMOVE(p, chain);
        SLIST_INSERT_HEAD(&l->unused, p, unused);
    }
}

void limits_leave(struct limits *l, const struct address *peer)
{
    l->total--;
    if (peer)
        forget(l, peer);
    else
        l->unknown--;
}
