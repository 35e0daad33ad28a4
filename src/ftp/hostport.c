/* Addresses inside arguments and replies: PASV, EPSV, PORT, EPRT. In the
 * session process. Strict, since every looseness here (octal, blanks, IPv4
 * inside IPv6) has been somebody's way around a check of addresses. */
#include "sallyport/ftp/hostport.h"

#include <errno.h>
#include <stdio.h>

const char *hostport_text(const struct address *a, char out[HOSTPORT_MAX])
{
    const uint8_t *b = a->bytes;

    if (a->family != 4) {
        out[0] = 0;
        return out;
    }
    snprintf(out, HOSTPORT_MAX, "%u,%u,%u,%u,%u,%u", b[0], b[1], b[2], b[3],
             a->port >> 8, a->port & 0xffu);
    return out;
}

/* One form for one number: "010" is 8 to some and 10 to others. */
static int number(struct slice s, uint64_t max, uint64_t *ret)
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
        if (count == 6 || number(part, 255, &n[count++]) < 0)
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

static bool is_digits(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len > 0;
}

/* Any visible character that can't stand in a number or an address. */
static bool is_delimiter(char c)
{
    bool digit = c >= '0' && c <= '9';
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

    return c > ' ' && c <= '~' && c != '.' && c != ':' && !digit && !letter;
}

/* "|a|b|c|" into its three parts. */
static int extended_split(struct slice text, struct slice part[3])
{
    struct slice rest;

    if (text.len < 2 || !is_delimiter(text.ptr[0]))
        return -EINVAL;
    rest = (struct slice){ text.ptr + 1, text.len - 1 };
    for (size_t i = 0; i < 3; i++)
        if (!slice_cut(&rest, text.ptr[0], &part[i]))
            return -EINVAL;
    return rest.ptr && rest.len == 0 ? 0 : -EINVAL;
}

int hostport_parse_extended(struct slice text, struct address *ret)
{
    struct slice part[3];
    struct address a;
    uint64_t port;
    bool six;

    if (extended_split(text, part) < 0 || !is_digits(part[0]))
        return -EINVAL;
    six = slice_equal(part[0], SLICE("2"));
    if (!six && !slice_equal(part[0], SLICE("1")))
        return -EPROTONOSUPPORT;
    /* IPv4 mapped into IPv6 is neither: each host has one form. */
    if (address_parse(part[1], &a) < 0 || a.family != (six ? 6 : 4) ||
        slice_has(part[1], ':') != six)
        return -EINVAL;
    if (number(part[2], 65535, &port) < 0 || port == 0)
        return -EINVAL;
    a.port = (uint16_t)port;
    *ret = a;
    return 0;
}

int epsv_parse(struct slice text, enum epsv_argument *ret)
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
        return is_digits(text) ? -EPROTONOSUPPORT : -EINVAL;
    return 0;
}
