/* At most one event per network prefix and second, and at most as many a second
 * as there are slots: a flood of connections is no flood of log lines. */
#ifndef GATE_THROTTLE_H
#define GATE_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/address.h"
#include "sallyport/base/siphash.h"

#define THROTTLE_SLOTS 64

struct throttle {
    uint8_t key[SIPHASH_KEY];
    uint64_t until[THROTTLE_SLOTS]; /* silent before, in ms */
    uint64_t silenced;              /* since the last event */
};

void throttle_init(struct throttle *t);
/* May an event about this prefix be sent at NOW? *silenced gets how many were
 * not, since the last one that was. */
bool throttle_pass(struct throttle *t, const struct address *prefix,
                   uint64_t now, uint64_t *silenced);

/* How many were not, since anybody was told; they count as told now. */
uint64_t throttle_tally(struct throttle *t);

#endif
