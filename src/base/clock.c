/* The monotonic clock, by the vDSO alone. */
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
