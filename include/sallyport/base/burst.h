/* Limits how often something may happen: a burst at once, then once in each
 * interval. Each interval without use adds one to the burst again, up to its
 * maximum. */
#ifndef SALLYPORT_BASE_BURST_H
#define SALLYPORT_BASE_BURST_H

#include <stdint.h>

/* All fields zero means a full burst. */
struct burst {
    unsigned used;
    uint64_t since; /* ms: start of the interval that adds one to the burst */
};

/* Returns 0 if it may happen at NOW (clock_ms()), and counts it. Otherwise
 * returns the milliseconds to wait. MOST is the size of the burst, EACH the
 * interval in milliseconds; neither may be 0. */
uint64_t burst_take(struct burst *b, unsigned most, uint64_t each,
                    uint64_t now);

#endif
