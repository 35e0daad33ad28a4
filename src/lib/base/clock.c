/* The monotonic clock, by the vDSO alone, and bursts: how often something may
 * happen in a time. */
#include "sallyport/base/clock.h"

static uint64_t monotonic_now(uint64_t per_second)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * per_second +
           (uint64_t)t.tv_nsec / (1000000000 / per_second);
}

uint64_t clock_ms(void)
{
    return monotonic_now(1000);
}

uint64_t clock_us(void)
{
    return monotonic_now(1000000);
}

static void burst_refill(struct burst *b, uint64_t each, uint64_t now)
{
    uint64_t more = (now - b->since) / each;

    b->used = more < b->used ? b->used - (unsigned)more : 0;
    b->since += more * each;
}

uint64_t burst_take(struct burst *b, unsigned most, uint64_t each, uint64_t now)
{
    burst_refill(b, each, now);
    if (b->used == 0)
        b->since = now;
    if (b->used == most)
        return b->since + each - now;
    b->used++;
    return 0;
}
