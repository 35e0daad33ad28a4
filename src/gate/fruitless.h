/* How many sessions of a network prefix ended without a login in the last
 * minute or so: each has cost a fork, and maybe a signature. */
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
/* One more at NOW, in ms; MOST a minute are let pass, 1 to 1,000,000, and a
 * quarter of them at once. */
void fruitless_add(struct fruitless *f, const struct address *prefix,
                   uint64_t most, uint64_t now);
/* Has this prefix had as many, and not yet waited for one more? */
bool fruitless_too_many(const struct fruitless *f, const struct address *prefix,
                        uint64_t most, uint64_t now);

#endif
