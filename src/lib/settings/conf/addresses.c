/* Types of settings about the network: listeners, the public address, public
 * addresses for certain networks, lists of networks, passive ports. Runs in
 * each process that reads the configuration. Must never open a socket or ask a
 * resolver. */
#include "kinds.h"

#include <errno.h>
#include <string.h>

/* SYNTAX is the expected syntax, for complaints. */
static int network_set(const struct assignment *a, struct slice text,
                       const char *syntax, struct network *ret)
{
    struct complaint why = { "" };

    if (network_parse(text, ret, &why) == 0)
        return 0;
    return why.text[0] ? kinds_refuse(a, "%s", why.text)
                       : kinds_refuse(a, "expected %s", syntax);
}

static bool network_is(const struct network *a, const struct network *b)
{
    return a->bits == b->bits && address_same_host(&a->address, &b->address);
}

int networks_set(const struct assignment *a)
{
    struct networks all = { .count = 0 };
    struct slice rest = a->value, text;
    struct network n;

    while (a->value.len > 0 && slice_cut(&rest, ',', &text)) {
        text = slice_trim(text);
        if (network_set(a, text, a->row->kind->syntax, &n))
            return -EINVAL;
        if (n.bits == 0)
            return kinds_refuse(a, "that is every address; name a few");
        for (size_t i = 0; i < all.count; i++)
            if (network_is(&all.list[i], &n))
                return kinds_refuse(a, "%.*s is there twice", (int)text.len,
                                    text.ptr);
        if (all.count == SETTINGS_PROXY_MAX)
            return kinds_refuse(a, "more than %d networks", SETTINGS_PROXY_MAX);
        all.list[all.count++] = n;
    }
    *(struct networks *)a->field = all;
    return 0;
}

/* Removes the word from the end of the text. Returns false if the text doesn't
 * end with a blank and the word. */
static bool cut_word(struct slice *text, struct slice word)
{
    struct slice rest = *text, end = *text;

    if (text->len <= word.len)
        return false;
    rest.len -= word.len;
    end.ptr += rest.len;
    end.len = word.len;
    if (!slice_equal(end, word) || slice_trim(rest).len == rest.len)
        return false;
    *text = slice_trim(rest);
    return true;
}

/* Returns true if the text looks like a host name. Used only for a better
 * complaint. */
static bool is_host(struct slice text)
{
    return slice_has_only(text, WORD_LETTERS) && !slice_has(text, '_') &&
           !slice_has_only(text, "0123456789.-");
}

int addresses_set_listen(const struct assignment *a)
{
    struct settings_listener list[SETTINGS_LISTEN_MAX] = { 0 };
    struct slice rest = a->value, text;
    struct settings *s = a->settings;
    size_t n = 0;

    while (slice_cut(&rest, ',', &text)) {
        text = slice_trim(text);
        if (n == SETTINGS_LISTEN_MAX)
            return kinds_refuse(a, "more than %d addresses",
                                SETTINGS_LISTEN_MAX);
        struct settings_listener *l = &list[n];
        /* The words can come in any order, each once. */
        while (
            (!l->implicit && (l->implicit = cut_word(&text, SLICE("tls")))) ||
            (!l->proxied && (l->proxied = cut_word(&text, SLICE("proxy")))))
            ;
        if (address_parse_port(text, &l->address)) {
            /* a name with a port, such as localhost:21 */
            struct slice port = text, host;

            slice_cut(&port, ':', &host);
            if (!slice_is_digits(port) || !is_host(host))
                return kinds_refuse_syntax(a);
            return kinds_refuse(
                a,
                "%.*s is a name; expected an IP address, such as "
                "0.0.0.0:%.*s",
                (int)host.len, host.ptr, (int)port.len, port.ptr);
        }
        n++;
    }
    if (n == 0)
        return kinds_refuse_syntax(a);
    memcpy(s->listen, list, sizeof(list));
    s->listen_count = n;
    return 0;
}

int addresses_set(const struct assignment *a)
{
    struct address public = { .family = 0 };

    if (a->value.len != 0 && address_parse(a->value, &public) < 0)
        return is_host(a->value)
                   ? kinds_refuse(a, "host names aren't looked up any more; "
                                     "write the IP address (the example "
                                     "sallyport-address.timer keeps it up to "
                                     "date)")
                   : kinds_refuse_syntax(a);
    const uint8_t first = public.family == 4 ? public.bytes[0] : 1;
    /* 0.0.0.0/8, multicast, and the broadcast's /8 */
    if (address_is_any(&public) || first == 0 || first >> 4 == 14 ||
        first == 255)
        return kinds_refuse(a, "clients can't connect to this one; name "
                               "the public address, or leave it empty");
    *(struct address *)a->field = public;
    return 0;
}

int addresses_set_ports(const struct assignment *a)
{
    struct slice rest = a->value, first;
    bool proxy = cut_word(&rest, SLICE("proxy"));
    uint64_t from = 0, to = 0;
    int r;

    if (slice_equal(rest, SLICE("auto"))) {
        *(struct port_range *)a->field =
            (struct port_range){ .automatic = true, .proxy = proxy };
        return 0;
    }
    if (slice_starts(rest, SLICE("auto ")))
        return kinds_refuse(a, "auto has no number any more: each session gets "
                               "a port of its own; write auto");
    slice_cut(&rest, '-', &first);
    r = slice_number(slice_trim(first), UINT32_MAX, &from);
    if (r == 0)
        r = slice_number(slice_trim(rest), UINT32_MAX, &to);
    if (r == -EINVAL)
        return kinds_refuse_syntax(a);
    if (r || from < a->row->min || to > a->row->max)
        return kinds_refuse(a, "out of range; ports are %u to %u",
                            (unsigned)a->row->min, (unsigned)a->row->max);
    if (from > to)
        return kinds_refuse(a, "the first port is above the last");
    *(struct port_range *)a->field = (struct port_range){
        .first = (uint16_t)from, .last = (uint16_t)to, .proxy = proxy
    };
    return 0;
}

/* Takes a line with a network in its key: the address that PASV announces to
 * clients of this network instead of the public address. */
int announced_set(const struct assignment *a)
{
    struct settings *s = a->settings;
    struct announced t = { .line = a->line };
    struct assignment inner = *a;

    inner.field = &t.address;
    if (network_set(a, a->keyed,
                    "an IP network such as 10.0.0.0/8 or fd00::/8 after "
                    "\"address.\"",
                    &t.network) ||
        addresses_set(&inner))
        return -EINVAL;
    if (t.address.family != 0 && t.address.family != t.network.address.family)
        return kinds_refuse(a, "these clients can't reach an address of "
                               "the other family");
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
