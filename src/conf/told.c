/* What clients of a network are told instead of the public address: rows keyed
 * by that network, and the search in them. Runs wherever the configuration is
 * read, and in gate; must never ask a resolver. */
#include <errno.h>

#include "kinds.h"

static int set_address_of(const struct assignment *a, struct told *t)
{
    struct assignment inner = *a;

    inner.field = &t->address;
    if (set_address(&inner))
        return -EINVAL;
    if (t->address.host[0] && t->network.address.family != 4)
        return assignment_refuse(a, "only PASV tells an address, to clients "
                                    "of IPv4: leave this out");
    if (t->address.ip.family != 0 &&
        t->address.ip.family != t->network.address.family)
        return assignment_refuse(a, "these clients can't reach an address of "
                                    "the other family");
    return 0;
}

/* The row's field is the array; the count stands in the same struct. */
int set_told(const struct assignment *a)
{
    struct settings *s = (void *)((char *)a->field - a->row->offset);
    struct told t = { .line = a->line };

    if (set_network(a, a->keyed,
                    "an IP network such as 10.0.0.0/8 or fd00::/8 behind "
                    "\"address.\"",
                    &t.network) ||
        set_address_of(a, &t))
        return -EINVAL;
    for (size_t i = 0; i < s->told_count; i++)
        if (network_is(&s->told[i].network, &t.network))
            return assignment_refuse(a,
                                     "this network stands in line %zu "
                                     "already; keep one",
                                     s->told[i].line);
    if (s->told_count == SETTINGS_TOLD_MAX)
        return assignment_refuse(a, "more than %d networks", SETTINGS_TOLD_MAX);
    s->told[s->told_count++] = t;
    return 0;
}

int show_told(const void *field, struct buf *into)
{
    const char *start = field;
    const struct settings *s =
        (const void *)(start - offsetof(struct settings, told));

    for (size_t i = 0; i < s->told_count; i++) {
        const struct told *t = &s->told[i];
        int r = show_network(&t->network, into);

        if (r == 0)
            r = buf_add_text(into, " = ");
        if (r == 0)
            r = show_address(&t->address, into);
        if (r == 0)
            r = buf_add_text(into, "\n");
        if (r)
            return r;
    }
    return 0;
}

const struct address *settings_told(const struct settings *s,
                                    const struct address *client)
{
    const struct told *best = NULL;

    for (size_t i = 0; i < s->told_count; i++) {
        const struct told *t = &s->told[i];

        if (network_holds(&t->network, client) &&
            (!best || t->network.bits > best->network.bits))
            best = t;
    }
    return best ? &best->address.ip : &s->address.ip;
}

struct public_address *settings_public(struct settings *s, size_t i)
{
    if (i == 0)
        return &s->address;
    return i <= s->told_count ? &s->told[i - 1].address : NULL;
}

bool settings_have_hosts(const struct settings *s)
{
    bool found = s->address.host[0] != '\0';

    for (size_t i = 0; i < s->told_count; i++)
        found |= s->told[i].address.host[0] != '\0';
    return found;
}
