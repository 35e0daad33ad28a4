/* At most one event per network prefix and second, and in all at most as many
 * in a second as there are slots. So a flood of connections doesn't flood the
 * log. */
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

/* Returns the number of events that were not sent since the last one that was,
 * and sets it to 0. */
uint64_t throttle_tally(struct throttle *t);

#endif
