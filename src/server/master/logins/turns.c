/* The order in which logins get a worker (turns.h). Runs in master. */
#include "sessions/turns.h"

#include <stddef.h>

/* Returns the login of NETWORK that has waited longest, or NULL. */
static struct turn *turns_first_of(const struct turns *q,
                                   const struct address *network)
{
    struct turn *t;

    TAILQ_FOREACH(t, &q->waiting, next)
        if (address_same_host(&t->network, network))
            return t;
    return NULL;
}

void turns_add(struct turns *q, struct turn *t, const struct address *peer)
{
    t->network = address_network_prefix(peer);
    t->due = turns_first_of(q, &t->network) ? 0 : ++q->last;
    t->waits = true;
    TAILQ_INSERT_TAIL(&q->waiting, t, next);
}

/* Removes T. If T was the first login of its network, the next one is due at
 * DUE. */
static void turns_remove(struct turns *q, struct turn *t, uint64_t due)
{
    struct turn *heir;

    TAILQ_REMOVE(&q->waiting, t, next);
    t->waits = false;
    heir = t->due ? turns_first_of(q, &t->network) : NULL;
    if (heir)
        heir->due = due;
}

struct turn *turns_next(const struct turns *q)
{
    struct turn *t, *next = NULL;

    TAILQ_FOREACH(t, &q->waiting, next)
        if (t->due && (!next || t->due < next->due))
            next = t;
    return next;
}

void turns_take(struct turns *q, struct turn *t)
{
    turns_remove(q, t, ++q->last);
}

void turns_leave(struct turns *q, struct turn *t)
{
    if (t->waits)
        turns_remove(q, t, t->due);
}
