/* How often something may happen: a burst at once, then once in each interval.
 * While it rests, the burst fills up again by one in each interval. */
#ifndef SALLYPORT_BASE_BURST_H
#define SALLYPORT_BASE_BURST_H

#include <stdint.h>

/* Zeros: a full burst. */
struct burst {
    unsigned used;
    uint64_t since; /* ms: the start of the interval that fills up by one */
};

/* 0: it may happen at NOW (clock_ms()), and counts. Else it may not happen yet:
 * the milliseconds to wait. MOST is the burst, EACH the interval in
 * milliseconds; neither may be 0. */
uint64_t burst_take(struct burst *b, unsigned most, uint64_t each,
                    uint64_t now);

#endif
