/* The token bucket of a sender. In log; pure: the time is an argument. */
#include "rate.h"

#define FULL (RATE_BURST * UINT64_C(1000))
#define ONE  UINT64_C(1000)

void rate_init(struct rate *r, uint64_t now)
{
    *r = (struct rate){ .left = FULL, .at = now };
}

/* RATE_SECOND events a second are as many thousandths a millisecond. */
static void fill(struct rate *r, uint64_t now)
{
    uint64_t passed = now > r->at ? now - r->at : 0;

    if (passed > FULL / RATE_SECOND)
        passed = FULL / RATE_SECOND;
    r->left += passed * RATE_SECOND;
    if (r->left > FULL)
        r->left = FULL;
    r->at = now;
}

bool rate_pass(struct rate *r, uint64_t now)
{
    fill(r, now);
    if (r->left < ONE)
        return false;
    r->left -= ONE;
    return true;
}
