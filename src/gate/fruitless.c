/* A leaky bucket for each of many slots, which a keyed hash of the prefix
 * chooses. In gate; pure but for its random key. Bounded whatever comes: who
 * floods from many prefixes fills as many slots, and somebody else is in one of
 * them by chance alone. */
#include "fruitless.h"

#include <errno.h>

#include "sallyport/base/secret.h"
#include "table.h"

int fruitless_init(struct fruitless *f)
{
    random_bytes(f->key, sizeof(f->key));
    f->debt = table_new(FRUITLESS_SLOTS, sizeof(*f->debt));
    return f->debt ? 0 : -ENOMEM;
}

void fruitless_release(struct fruitless *f)
{
    table_free(f->debt, FRUITLESS_SLOTS, sizeof(*f->debt));
    f->debt = NULL;
}

static uint64_t *slot_of(const struct fruitless *f,
                         const struct address *prefix)
{
    uint64_t h = siphash(f->key, prefix->bytes, sizeof(prefix->bytes));

    return &f->debt[h % FRUITLESS_SLOTS];
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

/* No more than twice that: who had his sessions open before he was kept out
 * doesn't pay for all of them. */
void fruitless_add(struct fruitless *f, const struct address *prefix,
                   uint64_t most, uint64_t now)
{
    uint64_t *debt = slot_of(f, prefix), us = now * 1000;

    if (*debt < us)
        *debt = us;
    if (*debt < us + 2 * credit(most))
        *debt += interval(most);
}

bool fruitless_too_many(const struct fruitless *f, const struct address *prefix,
                        uint64_t most, uint64_t now)
{
    uint64_t debt = *slot_of(f, prefix), us = now * 1000;

    return debt > us && debt + interval(most) > us + credit(most);
}
