/* Types of settings that name IP networks. Runs wherever the configuration is
 * read. Must never ask a resolver. */
#include <errno.h>

#include "kinds.h"

static unsigned bits_of(const struct address *a)
{
    return a->family == 4 ? 32 : 128;
}

int network_set(const struct assignment *a, struct slice text,
                const char *syntax, struct network *ret)
{
    struct slice rest = text, host;
    struct network n;
    struct address masked;
    char first[ADDRESS_TEXT_MAX];
    uint64_t bits;

    slice_cut(&rest, '/', &host);
    if (address_parse(host, &n.address) < 0)
        return kinds_refuse(a, "expected %s", syntax);
    bits = bits_of(&n.address);
    if (slice_has(text, '/') &&
        slice_number(rest, bits_of(&n.address), &bits) < 0)
        return kinds_refuse(a, "expected 0 to %u after the '/'",
                            bits_of(&n.address));
    masked = address_prefix(&n.address, (unsigned)bits);
    if (!address_same_host(&masked, &n.address))
        return kinds_refuse(a,
                            "not the network's first address, which "
                            "is %s",
                            address_text(&masked, first));
    n.bits = (unsigned)bits;
    *ret = n;
    return 0;
}

bool network_is(const struct network *a, const struct network *b)
{
    return a->bits == b->bits && address_same_host(&a->address, &b->address);
}

static int add_network(const struct assignment *a, struct slice text,
                       struct networks *into)
{
    struct network n;

    if (network_set(a, text, setting_kinds[a->row->type].syntax, &n))
        return -EINVAL;
    if (n.bits == 0)
        return kinds_refuse(a, "that is every address; name a few");
    for (size_t i = 0; i < into->count; i++)
        if (network_is(&into->list[i], &n))
            return kinds_refuse(a, "%.*s is there twice", (int)text.len,
                                text.ptr);
    if (into->count == SETTINGS_PROXY_MAX)
        return kinds_refuse(a, "more than %d networks", SETTINGS_PROXY_MAX);
    into->list[into->count++] = n;
    return 0;
}

int networks_set(const struct assignment *a)
{
    struct networks n = { .count = 0 };
    struct slice rest = a->value, text;

    while (a->value.len > 0 && slice_cut(&rest, ',', &text))
        if (add_network(a, slice_trim(text), &n))
            return -EINVAL;
    *(struct networks *)a->field = n;
    return 0;
}
