/* Network prefixes that are kept out for a while. */
#ifndef GATE_BANS_H
#define GATE_BANS_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/address.h"

/* More at a time: the one that would end first ends early. */
#define BANS_MAX 1024

struct ban {
    struct address prefix;
    uint64_t until; /* clock_ms(); a row that is over is free */
};

/* Lies in the memory that gates share, see memory.h. All zero: no ban. */
struct bans {
    struct ban list[BANS_MAX];
};

/* False: it was banned already, and is from now on until then. */
bool bans_add(struct bans *b, const struct address *prefix, uint64_t now,
              uint64_t until);
bool bans_hold(const struct bans *b, const struct address *prefix,
               uint64_t now);

#endif
