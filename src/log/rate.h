/* How many events a sender may have written: a burst, and so many a second. A
 * session can be its client's puppet, and the log must not be its disk. The
 * session of a user who is logged in waits; what others say is dropped. One
 * session on loopback, transferring files of a few bytes, makes some 400. */
#ifndef SALLYPORT_SRC_LOG_RATE_H
#define SALLYPORT_SRC_LOG_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define RATE_BURST  1000
#define RATE_SECOND 500

struct rate {
    uint64_t left; /* thousandths of an event */
    uint64_t at;   /* ms */
};

void rate_init(struct rate *r, uint64_t now);
/* May another event be written at NOW? */
bool rate_pass(struct rate *r, uint64_t now);

#endif
