/* The list of bans. Runs in gate. It is short, since an attacker needs a crash
 * of a session for each row. */
#include "bans.h"

bool bans_hold(const struct bans *b, const struct address *prefix, uint64_t now)
{
    for (size_t i = 0; i < BANS_MAX; i++)
        if (b->list[i].until > now &&
            address_same_host(&b->list[i].prefix, prefix))
            return true;
    return false;
}

/* Returns the prefix's own row, or the row that ends first. A free row ends
 * before all others. */
static struct ban *row_for(struct bans *b, const struct address *prefix)
{
    struct ban *first = b->list;

    for (size_t i = 0; i < BANS_MAX; i++) {
        if (address_same_host(&b->list[i].prefix, prefix))
            return &b->list[i];
        if (b->list[i].until < first->until)
            first = &b->list[i];
    }
    return first;
}

bool bans_add(struct bans *b, const struct address *prefix, uint64_t now,
              uint64_t until)
{
    bool is_new = !bans_hold(b, prefix, now);

    *row_for(b, prefix) = (struct ban){ .prefix = *prefix, .until = until };
    return is_new;
}
