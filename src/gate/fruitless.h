/* Counts the sessions of a network prefix that ended without a login in the
 * last minute. Each has cost a fork, and perhaps a signature. */
#ifndef GATE_FRUITLESS_H
#define GATE_FRUITLESS_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/address.h"
#include "sallyport/base/siphash.h"

#define FRUITLESS_SLOTS  65536
#define FRUITLESS_MINUTE 60000000 /* in us */

/* Lies in the memory that gates share, see memory.h. */
struct fruitless {
    uint8_t key[SIPHASH_KEY];
    uint64_t debt[FRUITLESS_SLOTS]; /* paid off at this time, in us */
};

void fruitless_init(struct fruitless *f);
/* Counts one session at NOW, in ms. MOST (1 to 1,000,000) are permitted in a
 * minute, a quarter of them at once. */
void fruitless_add(struct fruitless *f, const struct address *prefix,
                   uint64_t most, uint64_t now);
/* Has this prefix reached that rate, so that it must wait? */
bool fruitless_too_many(const struct fruitless *f, const struct address *prefix,
                        uint64_t most, uint64_t now);

#endif
