/* The rate of log lines, in bytes: a burst, then so many in a second. So a
 * client can't fill the disk with log lines. All sessions of a user share one
 * rate, and wait for it. Other senders don't wait: their events over the rate
 * are dropped. */
#ifndef SALLYPORT_SRC_LOG_RATE_H
#define SALLYPORT_SRC_LOG_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/random.h"
#include "sallyport/base/slice.h"

/* A transfer of a tiny file logs about 300 bytes, and one session on loopback
 * makes 400 of them in a second. */
#define RATE_BURST  (1u << 20)
#define RATE_SECOND 256000
#define RATE_USERS  4096

struct rate {
    int64_t left; /* bytes; negative after a line longer than that */
    uint64_t at;  /* clock_ms() of the last count */
};

/* The rates of users. Two users whose names share a slot share its rate. */
struct rates {
    uint8_t key[SIPHASH_KEY];
    struct rate of[RATE_USERS];
};

void rate_init(struct rate *r, uint64_t now);
/* Milliseconds from NOW until the next line may be written; 0: now. */
uint64_t rate_wait(struct rate *r, uint64_t now);
/* Counts a written line of BYTES. */
void rate_charge(struct rate *r, size_t bytes);

void rate_users_init(struct rates *all, uint64_t now);
struct rate *rate_of_user(struct rates *all, struct slice user);

#endif
