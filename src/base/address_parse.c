/* Texts of IP addresses. No process of root reads one: the configuration is
 * read by reader. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "sallyport/base/address.h"

int address_parse(struct slice text, struct address *ret)
{
    char copy[INET6_ADDRSTRLEN + 1];
    struct sockaddr_storage s = { 0 };
    struct sockaddr_in *four = (struct sockaddr_in *)&s;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&s;

    if (slice_copy(text, copy, sizeof(copy)) < 0)
        return -EINVAL;
    if (inet_pton(AF_INET, copy, &four->sin_addr) == 1)
        s.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, copy, &six->sin6_addr) == 1)
        s.ss_family = AF_INET6;
    else
        return -EINVAL;
    return address_from_sockaddr(ret, &s);
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
