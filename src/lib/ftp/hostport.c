/* Addresses in arguments and replies: PASV, EPSV, PORT and EPRT. Runs in
 * session. The parsers are strict: attackers have used octal numbers, blanks,
 * and IPv4 inside IPv6 to evade checks of addresses. This file compares HOST's
 * argument with SNI, and never resolves a name. */
#include "sallyport/ftp/hostport.h"

#include <ctype.h>
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

int hostport_parse(struct slice text, struct address *ret)
{
    struct address a = { .family = 4 };
    uint64_t n[6];
    struct slice part;
    size_t count = 0;

    while (slice_cut(&text, ',', &part))
        if (count == 6 || hostport_number(part, 255, &n[count++]) < 0)
            return -EINVAL;
    if (count != 6)
        return -EINVAL;
    for (size_t i = 0; i < 4; i++)
        a.bytes[i] = (uint8_t)n[i];
    a.port = (uint16_t)(n[4] << 8 | n[5]);
    if (a.port == 0)
        return -EINVAL;
    *ret = a;
    return 0;
}

int hostport_parse_extended(struct slice text, struct address *ret)
{
    struct slice part[3], rest;
    struct address a;
    uint64_t port;
    bool six;

    /* Splits "|a|b|c|" into its three parts. The delimiter is any visible
     * character that can't be part of a number or an address. */
    if (text.len < 2 || !ispunct((unsigned char)text.ptr[0]) ||
        text.ptr[0] == '.' || text.ptr[0] == ':')
        return -EINVAL;
    rest = (struct slice){ text.ptr + 1, text.len - 1 };
    for (size_t i = 0; i < 3; i++)
        if (!slice_cut(&rest, text.ptr[0], &part[i]))
            return -EINVAL;
    if (!rest.ptr || rest.len > 0 || !slice_is_digits(part[0]))
        return -EINVAL;
    six = slice_equal(part[0], SLICE("2"));
    if (!six && !slice_equal(part[0], SLICE("1")))
        return -EPROTONOSUPPORT;
    /* Refuse an IPv4-mapped IPv6 address, so that each host has one form. */
    if (address_parse(part[1], &a) < 0 || a.family != (six ? 6 : 4) ||
        slice_has(part[1], ':') != six)
        return -EINVAL;
    if (hostport_number(part[2], 65535, &port) < 0 || port == 0)
        return -EINVAL;
    a.port = (uint16_t)port;
    *ret = a;
    return 0;
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
