/* Decides whether a client may enter. The decision depends on the number of all
 * connections, on the number of the address's connections, on the number of
 * clients without a login, and on how earlier sessions of the address ended.
 * This file only counts; it accepts and closes no connection. */
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

/* Counters of a client or of a network. With IPv4, an address is both a client
 * and a network. With IPv6, a client is a /64 prefix and a network is a /48
 * prefix, since one subscriber can have a whole /48. If the prefixes of a
 * client and of a network have the same bytes, they share a record. */
struct prefix_count {
    LIST_ENTRY(prefix_count) chain;
    SLIST_ENTRY(prefix_count) unused;
    struct address prefix;
    uint64_t of_client;  /* the client's sessions and queued connections */
    uint64_t of_network; /* the network's sessions and queued connections */
    uint64_t waiting;    /* the network's sessions that haven't logged in */
};
LIST_HEAD(prefix_chain, prefix_count);
SLIST_HEAD(prefix_stock, prefix_count);

struct limits {
    uint64_t max_sessions, max_per_address;
    uint64_t startups;
    uint64_t total;
    uint64_t unknown; /* sessions through a proxy, before the client is known */
    uint64_t waiting; /* all other sessions that haven't logged in */
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
 * LIMIT_NONE. */
enum limit limits_check(const struct limits *l);
/* Returns the limit that forbids one more connection of this client, or
 * LIMIT_NONE. */
enum limit limits_check_client(const struct limits *l,
                               const struct address *peer);
/* Counts a connection that enters. At most PLACES connections may be in at a
 * time. PEER, here and in limits_leave(), is NULL if a proxied client isn't
 * known yet. */
void limits_enter(struct limits *l, const struct address *peer);
/* Call limits_add() when the address of a connection that entered without an
 * address becomes known: then the connection counts for PEER. Call
 * limits_begin_wait() when the connection begins to wait for a login. */
void limits_add(struct limits *l, const struct address *peer);
void limits_begin_wait(struct limits *l, const struct address *peer);

/* limits_count_in() counts a connection in the queue for its address, and for
 * nothing else; limits_count_out() ends the count. At most LIMIT_QUEUE
 * connections may be counted at a time. */
void limits_count_in(struct limits *l, const struct address *peer);
void limits_count_out(struct limits *l, const struct address *peer);

/* Returns true if the number of sessions without a login has reached
 * `startups`. Then the next client needs the place of one of these sessions. */
bool limits_full(const struct limits *l);
/* limits_waiting() returns the number of sessions without a login of PEER's
 * network. limits_of_network() returns the number of all sessions and queued
 * connections of PEER's network. */
uint64_t limits_waiting(const struct limits *l, const struct address *peer);
uint64_t limits_of_network(const struct limits *l, const struct address *peer);
/* Call it when a session has logged in or must end: it no longer waits for a
 * login. */
void limits_end_wait(struct limits *l, const struct address *peer);
/* Call it once at the end of each connection that has entered. If PEER isn't
 * NULL, call limits_end_wait() first. */
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
