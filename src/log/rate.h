/* How many bytes of lines a sender may have written: a burst, and so many a
 * second. The log must not be a client's disk. All sessions of a user share one
 * rate, and wait for it; what others send beyond theirs is dropped. */
#ifndef SALLYPORT_SRC_LOG_RATE_H
#define SALLYPORT_SRC_LOG_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/siphash.h"
#include "sallyport/base/slice.h"

/* Transfers of tiny files make about 300 bytes each, and one session on
 * loopback makes 400 of them a second. */
#define RATE_BURST  (1u << 20)
#define RATE_SECOND 256000
#define RATE_USERS  4096

struct rate {
    int64_t left; /* bytes; less than 0 after a line that was longer */
    uint64_t at;  /* ms */
};

/* Those of the users. Two whose names share a slot share its rate. */
struct rates {
    uint8_t key[SIPHASH_KEY];
    struct rate of[RATE_USERS];
};

void rate_init(struct rate *r, uint64_t now);
/* Milliseconds from NOW until another line may be written; 0: now. */
uint64_t rate_wait(struct rate *r, uint64_t now);
/* A line of so many bytes was written. */
void rate_charge(struct rate *r, size_t bytes);

void rates_init(struct rates *all, uint64_t now);
struct rate *rates_of(struct rates *all, struct slice user);

#endif
