/* A short list, since each of its rows has cost somebody a crash of a session.
 * In gate, in memory that no session inherits: a fresh gate begins without. */
#include "bans.h"

#include <errno.h>

#include "table.h"

int bans_init(struct bans *b)
{
    b->count = 0;
    b->list = table_new(BANS_MAX, sizeof(*b->list));
    return b->list ? 0 : -ENOMEM;
}

void bans_release(struct bans *b)
{
    table_free(b->list, BANS_MAX, sizeof(*b->list));
    *b = (struct bans){ 0 };
}

static struct ban *find(struct bans *b, const struct address *prefix,
                        uint64_t now)
{
    for (size_t i = 0; i < b->count;)
        if (b->list[i].until <= now)
            b->list[i] = b->list[--b->count];
        else if (address_same_host(&b->list[i].prefix, prefix))
            return &b->list[i];
        else
            i++;
    return NULL;
}

static struct ban *place_for_one(struct bans *b)
{
    struct ban *first = b->list;

    if (b->count < BANS_MAX)
        return &b->list[b->count++];
    for (size_t i = 1; i < BANS_MAX; i++)
        if (b->list[i].until < first->until)
            first = &b->list[i];
    return first;
}

bool bans_add(struct bans *b, const struct address *prefix, uint64_t now,
              uint64_t until)
{
    struct ban *ban = find(b, prefix, now);
    bool is_new = !ban;

    if (!ban)
        ban = place_for_one(b);
    *ban = (struct ban){ .prefix = *prefix, .until = until };
    return is_new;
}

bool bans_hold(struct bans *b, const struct address *prefix, uint64_t now)
{
    return find(b, prefix, now);
}
