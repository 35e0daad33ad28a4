/* Compares HOST's argument with SNI. Runs in session. Pure; it never resolves a
 * name. */
#include "sallyport/ftp/host.h"

#include <ctype.h>
#include <errno.h>

#include "sallyport/base/address.h"

#define NAME_MAX_BYTES  253
#define LABEL_MAX_BYTES 63

/* Letters of a DNS name, an underscore, and UTF-8. A name that isn't converted
 * to ASCII is an unknown host, not a syntax error. */
static bool is_label(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c < 0x80 && !isalnum(c) && c != '-' && c != '_')
            return false;
    }
    return s.len > 0 && s.len <= LABEL_MAX_BYTES;
}

/* "ftp.example.org." is the same name, with its root. */
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

/* Removes the brackets of "[2001:db8::1]", if there are any. */
static struct slice without_brackets(struct slice s)
{
    if (s.len > 2 && s.ptr[0] == '[' && s.ptr[s.len - 1] == ']')
        return (struct slice){ s.ptr + 1, s.len - 2 };
    return s;
}

/* An IPv4 address has the form of a name. */
static bool is_host(struct slice s)
{
    struct address a;
    struct slice inside = without_brackets(s);

    if (inside.len != s.len)
        return address_parse(inside, &a) == 0 && slice_has(inside, ':');
    return is_name(without_dot(s));
}

/* SNI can't carry addresses (RFC 6066 3), but some clients send one. */
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
