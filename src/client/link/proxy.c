/* The proxy: which one, its password, and connections through it. libcurl
 * speaks SOCKS5 and CONNECT, and reads what a proxy answers. The proxy looks up
 * the names of servers, so that no name leaves this machine in another way. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "link.h"
#include "sallyport/base/fd.h"

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

static bool proxy_excepts(const char *host)
{
    struct slice rest = slice_from(proxy_variable("no_proxy", "NO_PROXY"));
    struct slice one;

    while (slice_cut(&rest, ',', &one))
        if (proxy_excepts_one(slice_trim(one), host))
            return true;
    return false;
}

int proxy_find(const struct options *o, const char *host, struct proxy *ret,
               struct failure *why)
{
    struct complaint bad = { "" };
    const char *text = o->proxy;
    struct url url;
    bool socks;

    *ret = (struct proxy){ 0 };
    if (!text && !proxy_excepts(host))
        text = proxy_variable("all_proxy", "ALL_PROXY");
    if (!text || !text[0] || strcmp(text, "none") == 0)
        return 0;
    if (url_parse_proxy(text, &socks, &url, &bad) < 0)
        return fail(why, EX_USAGE, "%s: %s", o->proxy ? "--proxy" : "ALL_PROXY",
                    bad.text);
    bool v6 = strchr(url.host, ':') != NULL;
    snprintf(ret->name, sizeof(ret->name), "%s://%s%s%s:%u",
             socks ? "socks5h" : "http", v6 ? "[" : "", url.host, v6 ? "]" : "",
             url.port);
    snprintf(ret->user, sizeof(ret->user), "%s", url.user);
    return url.user[0] ? password_find_proxy(o, &url, &ret->password, why) : 0;
}

CURLcode proxy_set(const struct proxy *p, CURL *curl)
{
    const char *user = p->user[0] ? p->user : NULL;
    const struct {
        CURLoption option;
        const char *value;
    } texts[] = {
        /* Both keep libcurl from reading the environment. */
        { CURLOPT_PROXY, p->name },
        { CURLOPT_NOPROXY, "" },
        { CURLOPT_PROXYUSERNAME, user },
        { CURLOPT_PROXYPASSWORD, user ? p->password.bytes : NULL },
    };
    static const struct {
        CURLoption option;
        long value;
    } numbers[] = {
        { CURLOPT_HTTPPROXYTUNNEL, 1 },
        { CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 }, /* they are no replies */
        { CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC },
        { CURLOPT_SOCKS5_AUTH, (long)CURLAUTH_BASIC },
    };
    CURLcode r = CURLE_OK;

    for (size_t i = 0; i < 4 && r == CURLE_OK; i++)
        r = curl_easy_setopt(curl, texts[i].option, texts[i].value);
    for (size_t i = 0; i < 4 && r == CURLE_OK; i++)
        r = curl_easy_setopt(curl, numbers[i].option, numbers[i].value);
    return r;
}

int proxy_blame(const struct proxy *p, struct failure *why)
{
    size_t len = strlen(why->text);

    if (p->name[0])
        snprintf(why->text + len, sizeof(why->text) - len,
                 "; the way leads through the proxy %s", p->name);
    return -1;
}

static int proxy_on_progress(void *of, curl_off_t total_down, curl_off_t down,
                             curl_off_t total_up, curl_off_t up)
{
    (void)of;
    (void)total_down;
    (void)down;
    (void)total_up;
    (void)up;
    return link_interrupted != 0;
}

static CURLcode proxy_dial(const struct proxy *p, CURL *curl, const char *url,
                           unsigned timeout, char error[CURL_ERROR_SIZE])
{
    CURLcode r = proxy_set(p, curl);

    if (r == CURLE_OK)
        r = curl_easy_setopt(curl, CURLOPT_URL, url);
    if (r == CURLE_OK)
        r = curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    if (r == CURLE_OK)
        r = curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)timeout);
    if (r == CURLE_OK)
        r = curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, proxy_on_progress);
    if (r != CURLE_OK)
        return r;
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    return curl_easy_perform(curl);
}

/* libcurl closes its own descriptor. */
int proxy_connect(const struct proxy *p, const char *host, unsigned port,
                  unsigned timeout, struct failure *why)
{
    char url[URL_PART_MAX + 32], error[CURL_ERROR_SIZE] = "";
    bool v6 = strchr(host, ':') != NULL;
    CURL *curl = curl_easy_init();
    curl_socket_t fd = CURL_SOCKET_BAD;

    snprintf(url, sizeof(url), "http://%s%s%s:%u/", v6 ? "[" : "", host,
             v6 ? "]" : "", port);
    CURLcode r =
        curl ? proxy_dial(p, curl, url, timeout, error) : CURLE_OUT_OF_MEMORY;
    if (r == CURLE_OK)
        r = curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &fd);
    if (r == CURLE_OK)
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    curl_easy_cleanup(curl);
    if (r == CURLE_OK && fd >= 0)
        return fd;
    fail_curl(why, (int)r, 0, NULL, error);
    return proxy_blame(p, why);
}
