/* Decides which events of a flood are sent. Runs in gate; pure, except for its
 * random key. Two prefixes in the same slot share its second: further events
 * are only counted. So no choice of addresses gets more lines than the bound.
 */
#include "throttle.h"

#include "sallyport/base/random.h"

#define SILENCE_MS 1000

void throttle_init(struct throttle *t)
{
    *t = (struct throttle){ 0 };
    random_bytes(t->key, sizeof(t->key));
}

bool throttle_pass(struct throttle *t, const struct address *prefix,
                   uint64_t now, uint64_t *silenced)
{
    uint64_t h = siphash(t->key, prefix->bytes, sizeof(prefix->bytes));
    uint64_t *until = &t->until[h % THROTTLE_SLOTS];

    if (now < *until) {
        t->silenced++;
        return false;
    }
    *until = now + SILENCE_MS;
    *silenced = t->silenced;
    t->silenced = 0;
    return true;
}

uint64_t throttle_tally(struct throttle *t)
{
    uint64_t n = t->silenced;

    t->silenced = 0;
    return n;
}
