/* A leaky bucket for each of many slots, which a keyed hash of the prefix
 * chooses. In gate; pure but for its random key. Bounded whatever comes: who
 * floods from many prefixes fills as many slots, and somebody else is in one of
 * them by chance alone. */
#include "fruitless.h"

#include <string.h>

#include "sallyport/base/random.h"

void fruitless_init(struct fruitless *f)
{
    memset(f->debt, 0, sizeof(f->debt));
    random_bytes(f->key, sizeof(f->key));
}

static uint64_t interval(uint64_t most)
{
    return FRUITLESS_MINUTE / most;
}

/* So much debt is let pass; one is always. */
static uint64_t credit(uint64_t most)
{
    uint64_t quarter = FRUITLESS_MINUTE / 4;

    return interval(most) > quarter ? interval(most) : quarter;
}

static size_t slot_of(const struct fruitless *f, const struct address *prefix)
{
    uint64_t h = siphash(f->key, prefix->bytes, sizeof(prefix->bytes));

    return h % FRUITLESS_SLOTS;
}

/* No more than twice the credit: a client that had its sessions open before it
 * was kept out doesn't pay for all of them. Nor does it for another setting of
 * an earlier generation. */
static uint64_t debt_of(const struct fruitless *f, const struct address *prefix,
                        uint64_t most, uint64_t us)
{
    uint64_t debt = f->debt[slot_of(f, prefix)];
    uint64_t bound = us + 2 * credit(most) + interval(most);

    return debt < bound ? debt : bound;
}

void fruitless_add(struct fruitless *f, const struct address *prefix,
                   uint64_t most, uint64_t now)
{
    uint64_t us = now * 1000, debt = debt_of(f, prefix, most, us);

    if (debt < us)
        debt = us;
    if (debt < us + 2 * credit(most))
        debt += interval(most);
    f->debt[slot_of(f, prefix)] = debt;
}

bool fruitless_too_many(const struct fruitless *f, const struct address *prefix,
                        uint64_t most, uint64_t now)
{
    uint64_t us = now * 1000, debt = debt_of(f, prefix, most, us);

    return debt > us && debt + interval(most) > us + credit(most);
}
