/* Addresses and networks that may not connect for a while. */
#ifndef GATE_BANS_H
#define GATE_BANS_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/address.h"

/* With one more, the ban that would end first ends at once. */
#define BANS_MAX 1024

struct ban {
    struct address prefix;
    uint64_t until; /* clock_ms(); a row that is over is free */
};

/* Lies in the memory that gates share, see memory.h. All zero: no ban. */
struct bans {
    struct ban list[BANS_MAX];
};

/* Bans PREFIX until UNTIL. Returns false if it was banned already. */
bool bans_add(struct bans *b, const struct address *prefix, uint64_t now,
              uint64_t until);
bool bans_hold(const struct bans *b, const struct address *prefix,
               uint64_t now);

#endif
