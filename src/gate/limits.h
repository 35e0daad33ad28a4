/* How many connections there may be: in all, from one address, and of those
 * that haven't logged in. Counts only; accepts and closes nothing. */
#ifndef GATE_LIMITS_H
#define GATE_LIMITS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "sallyport/base/address.h"
#include "sallyport/base/siphash.h"
#include "sallyport/conf/settings.h"

enum limit {
    LIMIT_NONE,
    LIMIT_SESSIONS,
    LIMIT_ADDRESS,
    LIMIT_STARTUPS,
    LIMIT_RESOURCES, /* descriptors, processes, a slow master */
    LIMIT_COUNT
};

/* One host for the counts: an IPv4 address, or an IPv6 network of /64, since
 * everybody who has one IPv6 address has all of those. */
struct address limit_prefix(const struct address *peer);
/* The setting that was reached, for the log. */
const char *limit_reason(enum limit l);
/* The same in words for the client's 421. */
const char *limit_words(enum limit l);

struct prefix_count {
    LIST_ENTRY(prefix_count) chain;
    struct address prefix;
    uint64_t count;
};
LIST_HEAD(prefix_chain, prefix_count);

struct limits {
    uint64_t max_sessions, max_per_address;
    struct startups startups;
    uint64_t total;
    uint64_t waiting; /* not logged in */
    uint8_t key[SIPHASH_KEY];
    struct prefix_count *slot;
    struct prefix_chain *chain;
    struct prefix_chain unused;
    size_t buckets;
};

int limits_init(struct limits *l, const struct settings *s); /* 0 or -ENOMEM */
/* New bounds; max_sessions is that of the start. */
void limits_change(struct limits *l, const struct settings *s);
void limits_release(struct limits *l);

/* What forbids one more connection, LIMIT_NONE if nothing does. DICE is a
 * random number below 100 for the early drop. PEER here and below is NULL for
 * one that came by a proxy and whose client isn't known yet. */
enum limit limits_check(const struct limits *l, const struct address *peer,
                        unsigned dice);
/* Only after limits_check() said LIMIT_NONE. */
void limits_enter(struct limits *l, const struct address *peer);
void limits_logged_in(struct limits *l);
/* The same for who has entered without an address and has one now. */
enum limit limits_check_client(const struct limits *l,
                               const struct address *peer);
void limits_know(struct limits *l, const struct address *peer);
void limits_leave(struct limits *l, const struct address *peer, bool logged_in);

#endif
