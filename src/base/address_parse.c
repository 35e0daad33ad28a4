/* Texts of IP addresses. No process of root reads one: the configuration is
 * read by reader. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "sallyport/base/address.h"

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

int address_parse(struct slice text, struct address *ret)
{
    char copy[INET6_ADDRSTRLEN + 1];
    uint8_t bytes[16] = { 0 };
    struct address a = { 0 };

    if (slice_copy(text, copy, sizeof(copy)) < 0)
        return -EINVAL;
    if (inet_pton(AF_INET, copy, bytes) == 1) {
        a.family = 4;
    } else if (inet_pton(AF_INET6, copy, bytes) == 1) {
        a.family = 6;
        if (memcmp(bytes, mapped_prefix, 12) == 0) {
            a.family = 4;
            memmove(bytes, bytes + 12, 4);
        }
    } else {
        return -EINVAL;
    }
    memcpy(a.bytes, bytes, a.family == 4 ? 4 : 16);
    *ret = a;
    return 0;
}

int address_parse_port(struct slice text, struct address *ret)
{
    struct slice host = text, port;
    struct address a;
    uint64_t n;
    size_t at = text.len;

    while (at > 0 && text.ptr[at - 1] != ':')
        at--;
    if (at == 0)
        return -EINVAL;
    port = (struct slice){ text.ptr + at, text.len - at };
    host.len = at - 1;
    bool bracketed =
        host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (bracketed)
        host = (struct slice){ host.ptr + 1, host.len - 2 };
    if (bracketed != slice_has(host, ':')) /* 6 needs brackets, 4 has none */
        return -EINVAL;
    if (address_parse(host, &a) < 0 || slice_number(port, 65535, &n) < 0)
        return -EINVAL;
    a.port = (uint16_t)n;
    *ret = a;
    return 0;
}
