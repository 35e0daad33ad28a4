/* A leaky bucket for each of many slots. A keyed hash of the prefix chooses the
 * slot. Runs in gate; pure, except for its random key. The memory is fixed: a
 * flood from many prefixes fills as many slots, and another client is in one of
 * them only by chance. */
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

/* The debt that is permitted. It always suffices for one session. */
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

/* At most twice the credit, so that a client doesn't wait for all the sessions
 * that it had open before. This also bounds a debt that an earlier generation
 * counted with another setting. */
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
