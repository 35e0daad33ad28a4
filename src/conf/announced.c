/* The addresses that PASV announces to clients of certain networks instead of
 * the public address: rows with a network in their key. Runs wherever the
 * configuration is read. Must never ask a resolver. */
#include <errno.h>

#include "kinds.h"

static int set_address_of(const struct assignment *a, struct announced *t)
{
    struct assignment inner = *a;

    inner.field = &t->address;
    if (addresses_set(&inner))
        return -EINVAL;
    if (t->address.host[0] && t->network.address.family != 4)
        return kinds_refuse(a, "only PASV announces an address, to clients "
                               "of IPv4: leave this out");
    if (t->address.ip.family != 0 &&
        t->address.ip.family != t->network.address.family)
        return kinds_refuse(a, "these clients can't reach an address of "
                               "the other family");
    return 0;
}

int announced_set(const struct assignment *a)
{
    struct settings *s = a->settings;
    struct announced t = { .line = a->line };

    if (network_set(a, a->keyed,
                    "an IP network such as 10.0.0.0/8 or fd00::/8 after "
                    "\"address.\"",
                    &t.network) ||
        set_address_of(a, &t))
        return -EINVAL;
    for (size_t i = 0; i < s->announced_count; i++)
        if (network_is(&s->announced[i].network, &t.network))
            return kinds_refuse(a,
                                "this network is in line %zu "
                                "already; keep one",
                                s->announced[i].line);
    if (s->announced_count == SETTINGS_ANNOUNCED_MAX)
        return kinds_refuse(a, "more than %d networks", SETTINGS_ANNOUNCED_MAX);
    s->announced[s->announced_count++] = t;
    return 0;
}
