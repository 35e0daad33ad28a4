/* The queue of logins that wait for an auth worker. The logins of a network
 * (address_network_prefix()) wait in the order of their arrival. Between two
 * turns of a network, each other network that waits has one: so a network
 * delays another one by one turn. The functions (logins/turns.c) are pure; none
 * goes through the queue more than twice. */
#ifndef SALLYPORT_SRC_MASTER_TURNS_H
#define SALLYPORT_SRC_MASTER_TURNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "sallyport/base/address.h"

/* A login. All zero: it doesn't wait. */
struct turn {
    void *owner;
    TAILQ_ENTRY(turn) next;
    struct address network;
    bool waits;
    uint64_t due; /* the order of the networks; 0: an earlier login of the same
                   * network waits */
};
TAILQ_HEAD(turn_list, turn);

struct turns {
    struct turn_list waiting; /* in the order of their arrival. Call
                               * TAILQ_INIT() once */
    uint64_t last;            /* the last `due` that was given */
};

/* Adds the login T of a client at PEER to the queue. */
void turns_add(struct turns *q, struct turn *t, const struct address *peer);
/* Returns the login that has the next turn, or NULL if none waits. */
struct turn *turns_next(const struct turns *q);
/* Takes T, the result of turns_next(), out of the queue: its network has had
 * its turn. */
void turns_take(struct turns *q, struct turn *t);
/* Takes T out of the queue, without a turn. Does nothing if T doesn't wait. */
void turns_leave(struct turns *q, struct turn *t);

#endif
