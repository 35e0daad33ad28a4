/* The monotonic clock, by the vDSO alone, and debts, which limit a rate. */
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

uint64_t debt_owed(const uint64_t *paid, uint64_t now)
{
    uint64_t until = *paid; /* read *paid once: it can be in shared memory */

    return until > now ? until - now : 0;
}

uint64_t debt_wait(const uint64_t *paid, uint64_t each, uint64_t credit,
                   uint64_t now)
{
    uint64_t owed = debt_owed(paid, now);

    return owed + each > credit ? owed + each - credit : 0;
}

uint64_t debt_take(uint64_t *paid, uint64_t each, uint64_t credit, uint64_t now)
{
    uint64_t wait = debt_wait(paid, each, credit, now);

    if (wait == 0)
        debt_add(paid, each, credit, now);
    return wait;
}

void debt_add(uint64_t *paid, uint64_t each, uint64_t most, uint64_t now)
{
    uint64_t owed = debt_owed(paid, now);

    *paid = now + (owed < most ? owed + each : most);
}
