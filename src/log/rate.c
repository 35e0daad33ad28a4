/* The token buckets of senders and users. Runs in log. Pure, except for a
 * random key; the time is an argument. */
#include "rate.h"

#include "sallyport/base/random.h"

#define FULL ((int64_t)RATE_BURST)
#define MS   (RATE_SECOND / 1000) /* bytes in a millisecond */

void rate_init(struct rate *r, uint64_t now)
{
    *r = (struct rate){ .left = FULL, .at = now };
}

static void rate_refill(struct rate *r, uint64_t now)
{
    uint64_t passed = now > r->at ? now - r->at : 0;
    uint64_t missing = (uint64_t)(FULL - r->left);

    if (passed > missing / MS)
        r->left = FULL;
    else
        r->left += (int64_t)(passed * MS);
    r->at = now;
}

uint64_t rate_wait(struct rate *r, uint64_t now)
{
    rate_refill(r, now);
    return r->left > 0 ? 0 : (uint64_t)(-r->left) / MS + 1;
}

void rate_charge(struct rate *r, size_t bytes)
{
    r->left -= (int64_t)bytes;
}

void rate_users_init(struct rates *all, uint64_t now)
{
    random_bytes(all->key, sizeof(all->key));
    for (size_t i = 0; i < RATE_USERS; i++)
        rate_init(&all->of[i], now);
}

struct rate *rate_of_user(struct rates *all, struct slice user)
{
    return &all->of[siphash(all->key, user.ptr, user.len) % RATE_USERS];
}
