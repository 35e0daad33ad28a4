/* Decides whether a client may enter, and who makes room. The decision depends
 * on the number of all connections, on the number of the address's connections,
 * on the number of clients without a login, and on how earlier sessions of the
 * address ended. This file only counts; it accepts and closes no connection. */
#ifndef GATE_LIMITS_H
#define GATE_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "sallyport/base/address.h"
#include "sallyport/base/random.h"
#include "sallyport/settings/settings.h"

/* Connections that may wait for a session, see queue.c. */
#define LIMIT_QUEUE 256

enum limit {
    LIMIT_NONE,
    LIMIT_SESSIONS,
    LIMIT_ADDRESS,
    LIMIT_STARTUPS,
    LIMIT_FRUITLESS,
    LIMIT_BANNED,
    LIMIT_DRAIN,     /* the server takes no new sessions */
    LIMIT_AWAY,      /* the users file or all homes can't be reached */
    LIMIT_RESOURCES, /* no descriptor or process is left, or master reads too
                      * slowly */
    LIMIT_MASTER,    /* master has gone, and gate ends in its next turn */
    LIMIT_COUNT
};

/* Returns the limit for RESULT, which is the result of a step of a new session:
 * 0 or -errno. */
enum limit limit_of(int result);
/* reason: for the log; mostly the name of the setting that was reached. words:
 * a sentence for the client's 421, without its full stop. */
extern const struct limit_text {
    const char *reason, *words;
} limit_texts[LIMIT_COUNT];

/* Connections without a login: sessions, and queued connections. */
enum line { LINE_LOGIN, LINE_QUEUE, LINES };

/* Counters of a network: an IPv4 address, or an IPv6 /64, /56 or /48. */
struct prefix_count {
    LIST_ENTRY(prefix_count) chain;
    SLIST_ENTRY(prefix_count) unused;
    struct network prefix;
    uint64_t all;         /* sessions and queued connections */
    uint64_t line[LINES]; /* of these, those without a login */
};
LIST_HEAD(prefix_chain, prefix_count);
SLIST_HEAD(prefix_stock, prefix_count);

/* The networks of a connection, the widest first. IPv4 has one; a proxied
 * client that isn't known yet has none. */
#define PREFIXES 3
struct prefixes {
    struct prefix_count *of[PREFIXES];
};

struct limits {
    uint64_t max_sessions, max_per_address;
    uint64_t startups;
    uint64_t total;
    uint64_t unknown; /* connections of proxies, before the client is known */
    uint64_t waiting; /* known clients' sessions that haven't logged in */
    size_t prefixes;  /* rows of `slot`: enough for all prefixes that can be in
                         use */
    uint8_t key[SIPHASH_KEY];
    struct prefix_count *slot;
    struct prefix_chain *chain;
    struct prefix_stock unused;
    size_t buckets;
};

/* PLACES: the number of sessions that can live at a time: max_sessions, or a
 * higher max_sessions of an earlier gate. Returns 0 or -ENOMEM. */
int limits_init(struct limits *l, const struct settings *s, size_t places);
void limits_release(struct limits *l);

/* Returns the limit that forbids one more connection of any client, or
 * LIMIT_NONE. COMING: connections that need a place before this one. */
enum limit limits_check(const struct limits *l, uint64_t coming);
/* Returns the limit that forbids one more connection of this client, or
 * LIMIT_NONE. */
enum limit limits_check_client(const struct limits *l,
                               const struct address *peer);
/* Counts a connection that enters. At most PLACES connections may be in at a
 * time. PEER, here and below, is NULL if a proxied client isn't known yet. */
void limits_enter(struct limits *l, const struct address *peer);
/* Call limits_add() when the address of a connection that entered without an
 * address becomes known: then the connection counts for PEER. */
void limits_add(struct limits *l, const struct address *peer);

/* limits_count_in() counts a connection in the queue for its address, and for
 * nothing else; limits_count_out() ends the count. At most LIMIT_QUEUE
 * connections may be counted at a time. */
void limits_count_in(struct limits *l, const struct address *peer);
void limits_count_out(struct limits *l, const struct address *peer);

/* Returns true if the number of sessions without a login has reached
 * `startups`. Then the next client needs the place of one of these sessions. */
bool limits_full(const struct limits *l);
/* Finds the networks of PEER, counted or not. */
struct prefixes limits_prefixes(const struct limits *l,
                                const struct address *peer);
/* Counts one connection of N more or less in LINE, MORE: 1 or -1. Meanwhile it
 * counts for its client. */
void limits_line(struct limits *l, enum line line, const struct prefixes *n,
                 int more);
/* The one rule for who makes room, among those in LINE, for a newcomer of N:
 * ask it about each, the oldest first. Returns true if A makes room rather than
 * BEST, which is the last one so far, or NULL. A's network has more in LINE
 * than N's with the newcomer, or as many if A is LATE; counted in the widest
 * networks that differ, so nobody makes room for the own client. Among these,
 * A's /48 has more than BEST's; or as many, and its /56; or its /64. */
bool limits_makes_room(enum line line, const struct prefixes *a, bool late,
                       const struct prefixes *best, const struct prefixes *n);
/* Returns true if a free place belongs to A before B: A's network has fewer
 * sessions without a login; or as many, and fewer connections in the queue. */
bool limits_before(const struct prefixes *a, const struct prefixes *b);
/* Call it once at the end of each connection that has entered. */
void limits_leave(struct limits *l, const struct address *peer);

/* Counts fruitless sessions by network: sessions that ended without a login in
 * the last minute. Each has cost a fork, and perhaps a signature. */

#define FRUITLESS_MINUTE 60000000 /* in us */

/* Lies in the memory that gates share; see memory.h. */
struct fruitless {
    uint8_t key[SIPHASH_KEY];
    uint64_t debt[NETWORK_SLOTS]; /* for network_count(), in us */
};

void fruitless_init(struct fruitless *f);
/* Counts a session of PEER at NOW, in ms. An address may have MOST (1 to
 * 1,000,000) fruitless sessions in a minute, and a quarter of MOST at once; a
 * wider network as many times more as network_levels says. */
void fruitless_add(struct fruitless *f, const struct address *peer,
                   uint64_t most, uint64_t now);
/* Returns true if a network of PEER has reached the rate of fruitless_add():
 * then its next client must wait. */
bool fruitless_too_many(const struct fruitless *f, const struct address *peer,
                        uint64_t most, uint64_t now);

#endif
