/* Addresses in arguments and replies: PASV and EPSV. Runs in session. This file
 * compares HOST's argument with SNI, and never resolves a name. */
#include "sallyport/ftp/hostport.h"

#include <errno.h>
#include <stdio.h>

#include "sallyport/base/address.h"

const char *hostport_text(const struct address *a, char out[HOSTPORT_MAX])
{
    const uint8_t *b = a->bytes;

    snprintf(out, HOSTPORT_MAX, "%u,%u,%u,%u,%u,%u", b[0], b[1], b[2], b[3],
             a->port >> 8, a->port & 0xffu);
    return out;
}

int hostport_number(struct slice s, uint64_t max, uint64_t *ret)
{
    if (s.len > 1 && s.ptr[0] == '0')
        return -EINVAL;
    return slice_number(s, max, ret) < 0 ? -EINVAL : 0;
}

int hostport_parse_epsv(struct slice text, enum epsv_argument *ret)
{
    if (text.len == 0)
        *ret = EPSV_ANY;
    else if (slice_equal(text, SLICE("1")))
        *ret = EPSV_IPV4;
    else if (slice_equal(text, SLICE("2")))
        *ret = EPSV_IPV6;
    else if (slice_equal_nocase(text, SLICE("ALL")))
        *ret = EPSV_ALL;
    else
        return slice_is_digits(text) ? -EPROTONOSUPPORT : -EINVAL;
    return 0;
}

/* Removes the dot at the end, and the brackets of "[2001:db8::1]":
 * "ftp.example.org." means the same host as "ftp.example.org". */
static struct slice host_bare(struct slice s)
{
    if (s.len > 1 && s.ptr[s.len - 1] == '.')
        s.len--;
    if (s.len > 2 && s.ptr[0] == '[' && s.ptr[s.len - 1] == ']')
        return (struct slice){ s.ptr + 1, s.len - 2 };
    return s;
}

bool host_is_same(struct slice host, struct slice asked)
{
    struct slice a = host_bare(host), b = host_bare(asked);
    struct address one, other;

    /* SNI must not contain an address (RFC 6066 3), but some clients send an
     * address. */
    if (address_parse(a, &one) == 0 && address_parse(b, &other) == 0)
        return address_same_host(&one, &other);
    return slice_equal_nocase(a, b);
}
