/* Which client is expected at which port: pairs of a client host and a passive
 * port. A pair is in one of three states. It is expected; or it rests, after no
 * connection came; or it is not in the table, and is free. Uses no socket and
 * no clock. */
#ifndef GATE_EXPECT_H
#define GATE_EXPECT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "sallyport/base/address.h"
#include "sallyport/base/random.h"

#define EXPECT_REST_MS 60000
/* For this time no other session gets the pair. */
#define EXPECT_HOLD_MS 5000
/* The most users that a pair remembers. A pair with so many users isn't given
 * to another one. */
#define EXPECT_LEAVERS 16
/* Connections of its host that wait while a session looks at an earlier one. */
#define EXPECT_PARKED 3

struct child;
struct port;

/* A user whose session left the pair unused: a late connection of that user's
 * client may still come, and would be valid for any session of that user. */
struct leaver {
    uint64_t user, until;
};

struct parked {
    int fd; /* owned */
    struct address peer;
};

struct pair {
    LIST_ENTRY(pair) of_host;
    LIST_ENTRY(pair) at_port; /* while expected */
    TAILQ_ENTRY(pair) in_time;
    struct address client;
    struct port *port;
    struct child *child; /* NULL: it rests */
    uint64_t session;    /* serial of the last one to expect somebody here */
    uint64_t user;       /* of that session */
    uint64_t until;
    bool given;     /* a doubtful connection; the session will judge it */
    unsigned tries; /* so many of those */
    struct parked parked[EXPECT_PARKED];
    size_t parked_count;
    struct leaver leaver[EXPECT_LEAVERS];
};
LIST_HEAD(pair_list, pair);
TAILQ_HEAD(pair_queue, pair);

struct expect {
    uint8_t key[SIPHASH_KEY];
    struct pair *slot;
    size_t size, buckets;
    size_t touched; /* slots from here on were never used: no memory yet */
    struct pair_list *host;
    struct pair_queue unused, expected, resting; /* the latter two by until */
    uint64_t wait_ms;                            /* how long one is expected */
};

int expect_init(struct expect *e, size_t size, uint64_t wait_ms);
void expect_release(struct expect *e);

/* The pair in any state but free; NULL if it is free. */
struct pair *expect_find(const struct expect *e, const struct address *client,
                         const struct port *port);
/* Calls SEEN for each port whose pair with this client isn't free. */
void expect_each_port(const struct expect *e, const struct address *client,
                      void (*seen)(struct port *port, void *owner),
                      void *owner);

/* Expects CLIENT for CHILD; AT_PORT is the port's list of those expected. When
 * the table is full, the pair that rests longest is forgotten; NULL if none
 * rests. */
struct pair *expect_add(struct expect *e, const struct address *client,
                        struct port *port, struct pair_list *at_port,
                        struct child *child, uint64_t now);
/* The same until UNTIL, for one that the gate before expected; NULL also where
 * the pair isn't free. */
struct pair *expect_adopt(struct expect *e, const struct address *client,
                          struct port *port, struct pair_list *at_port,
                          struct child *child, uint64_t until);
/* A pair that rested at the gate before, or was left by LEAVER while another
 * session expects its client: it counts as left by LEAVER, and by SESSION if
 * nobody is expected. Its rest is bounded. */
void expect_adopt_rest(struct expect *e, const struct address *client,
                       struct port *port, const struct leaver *leaver,
                       uint64_t session, uint64_t now);
/* Went unused: it rests, so that a late connection can't reach another session.
 * Meanwhile its session may have it again, and a session of another user if no
 * pair is free. */
void expect_rest(struct expect *e, struct pair *p, uint64_t now);
/* The pairs of a client host that rest. */
struct rests {
    size_t of_host, of_session;
    struct pair *longest; /* of those that the session left; NULL: none */
};
struct rests expect_rests(const struct expect *e, const struct address *client,
                          uint64_t session);
/* The same session expects the client there again: who comes late reaches the
 * one that it was meant for. */
void expect_again(struct expect *e, struct pair *p, struct pair_list *at_port,
                  struct child *child, uint64_t now);
/* For a session of USER when no pair of CLIENT is free: the one that has rested
 * longest, or has been expected longest, at least EXPECT_HOLD_MS. None that
 * this user left: its late connection would be valid. FITS says whether a port
 * will do. NULL: there is none. */
struct pair *expect_other(const struct expect *e, const struct address *client,
                          uint64_t user, uint64_t now,
                          bool (*fits)(const struct port *port,
                                       const struct child *c),
                          const struct child *c);
/* May a connection that comes be a late one of another user? */
bool expect_doubtful(const struct pair *p, uint64_t now);
/* Was used: free at once, or if late connections may still come it rests, and
 * no session has left it. */
void expect_used(struct expect *e, struct pair *p, uint64_t now);

/* Frees what has rested enough. Returns one that was expected too long (the
 * caller lets it rest and asks again), or NULL. */
struct pair *expect_due(struct expect *e, uint64_t now);
/* When expect_due() has something to do; 0: never. */
uint64_t expect_next(const struct expect *e);

#endif
