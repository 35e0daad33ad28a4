/* The names of hosts that clients give: HOST's argument, held against SNI. In
 * the session process. Pure; no name is ever looked up. */
#include "sallyport/ftp/host.h"

#include <ctype.h>
#include <errno.h>

#include "sallyport/base/address.h"

#define NAME_MAX_BYTES  253
#define LABEL_MAX_BYTES 63

/* What a DNS name can be made of, an underscore, and UTF-8: a name that wasn't
 * turned into its ASCII form is another name, and no mistake of syntax. */
static bool is_label(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c < 0x80 && !isalnum(c) && c != '-' && c != '_')
            return false;
    }
    return s.len > 0 && s.len <= LABEL_MAX_BYTES;
}

/* "ftp.example.org." is the same name, with its root told. */
static struct slice without_dot(struct slice s)
{
    if (s.len > 1 && s.ptr[s.len - 1] == '.')
        s.len--;
    return s;
}

static bool is_name(struct slice s)
{
    struct slice label;

    if (s.len == 0 || s.len > NAME_MAX_BYTES)
        return false;
    while (slice_cut(&s, '.', &label))
        if (!is_label(label))
            return false;
    return true;
}

/* "[2001:db8::1]", without its brackets; what has none is left alone. */
static struct slice without_brackets(struct slice s)
{
    if (s.len > 2 && s.ptr[0] == '[' && s.ptr[s.len - 1] == ']')
        return (struct slice){ s.ptr + 1, s.len - 2 };
    return s;
}

/* An IPv4 address is a name by its form. */
static bool is_host(struct slice s)
{
    struct address a;
    struct slice inside = without_brackets(s);

    if (inside.len != s.len)
        return address_parse(inside, &a) == 0 && slice_has(inside, ':');
    return is_name(without_dot(s));
}

/* SNI has no addresses (RFC 6066 3); some clients send one all the same. */
static bool is_same(struct slice a, struct slice b)
{
    struct address one, other;

    if (address_parse(a, &one) == 0 && address_parse(b, &other) == 0)
        return address_same_host(&one, &other);
    return slice_equal_nocase(a, b);
}

int host_compare(struct slice host, struct slice asked)
{
    if (!is_host(host))
        return -EINVAL;
    if (!is_same(without_brackets(without_dot(host)),
                 without_brackets(without_dot(asked))))
        return -ENOENT;
    return 0;
}
