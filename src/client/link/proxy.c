/* The choice of the proxy, and its password. libcurl speaks SOCKS5 and CONNECT,
 * and reads the proxy's answers. The proxy looks up the names of servers, so
 * that no name leaves this machine in another way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "link.h"

static const char *proxy_variable(const char *small, const char *large)
{
    const char *value = getenv(small);

    return value ? value : getenv(large);
}

/* Is ONE of NO_PROXY "*", the host, a domain above it, or its network? */
static bool proxy_excepts_one(struct slice one, const char *host)
{
    struct complaint unread;
    struct network network;
    struct address address;
    size_t len = strlen(host);

    if (slice_starts(one, SLICE(".")))
        one = (struct slice){ one.ptr + 1, one.len - 1 };
    if (slice_equal(one, SLICE("*")))
        return true;
    if (address_parse(slice_from(host), &address) == 0)
        return network_parse(one, &network, &unread) == 0 &&
               network_holds(&network, &address);
    if (one.len == 0 || one.len > len)
        return false;
    const char *end = host + len - one.len;
    return slice_equal_nocase(one, slice_from(end)) &&
           (end == host || end[-1] == '.');
}

int proxy_find(const struct options *o, const char *host, struct proxy *ret,
               struct failure *why)
{
    struct complaint bad = { "" };
    const char *text = o->proxy;
    char place[URL_PLACE_MAX];
    struct url url;
    bool socks;

    struct slice rest, one;
    bool excepted = false;

    *ret = (struct proxy){ 0 };
    rest = slice_from(proxy_variable("no_proxy", "NO_PROXY"));
    while (slice_cut(&rest, ',', &one))
        excepted |= proxy_excepts_one(slice_trim(one), host);
    if (!text && !excepted)
        text = proxy_variable("all_proxy", "ALL_PROXY");
    if (!text || !text[0] || strcmp(text, "none") == 0)
        return 0;
    if (url_parse_proxy(text, &socks, &url, &bad) < 0)
        return fail(why, EX_USAGE, "%s: %s", o->proxy ? "--proxy" : "ALL_PROXY",
                    bad.text);
    snprintf(ret->name, sizeof(ret->name), "%s://%s",
             socks ? "socks5h" : "http", url_place(&url, place));
    snprintf(ret->user, sizeof(ret->user), "%s", url.user);
    return url.user[0] ? password_find_proxy(o, &url, &ret->password, why) : 0;
}
