/* URLs and remote paths. Pure. libcurl reads hosts and ports. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "sallyport/base/slice.h"

#define PORT_EXPLICIT 21
#define PORT_IMPLICIT 990

static const struct {
    const char *prefix;
    bool implicit;
} schemes[] = {
    { "ftps://", false },
    { "ftpes://", false },
    { "ftps+implicit://", true },
};

static int url_scheme(struct slice *rest, struct url *ret, struct complaint *c)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        struct slice prefix = slice_from(schemes[i].prefix);

        if (!slice_starts(*rest, prefix))
            continue;
        *rest =
            (struct slice){ rest->ptr + prefix.len, rest->len - prefix.len };
        ret->implicit = schemes[i].implicit;
        return 0;
    }
    if (slice_starts(*rest, SLICE("ftp://")))
        return complain(c, "%.*s: write ftps://, since TLS is always required",
                        (int)rest->len, rest->ptr);
    return complain(c, "%.*s: not a URL; write ftps://USER@HOST/PATH",
                    (int)rest->len, rest->ptr);
}

void url_pattern_add(struct url_pattern *p, char c, bool literal)
{
    if (c == '/' && !p->whole) {
        p->ended = true;
        return;
    }
    if (p->ended)
        *p = (struct url_pattern){ 0 };
    /* A pattern that is longer than any file's name is a plain name. */
    if (p->len + 3 > sizeof(p->text)) {
        p->some = false;
        return;
    }
    p->some |= !literal && strchr("*?[", c);
    if (c == '\\' || (literal && strchr("*?[]~-!^", c)))
        p->text[p->len++] = '\\';
    p->text[p->len++] = c;
    p->text[p->len] = '\0';
}

/* Decodes %XX. PATTERN (or NULL) gets the characters, too; encoded characters
 * are literal there. Returns 0; -EINVAL: a wrong %XX, or a control character;
 * -ENAMETOOLONG. */
static int url_decode(struct slice s, char *out, size_t size,
                      struct url_pattern *pattern)
{
    size_t len = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool encoded = c == '%';

        if (encoded) {
            char hex[3] = "";

            slice_copy((struct slice){ s.ptr + i + 1, s.len - i > 2 ? 2 : 0 },
                       hex, sizeof(hex));
            if (strspn(hex, "0123456789abcdefABCDEF") != 2)
                return -EINVAL;
            c = (char)strtoul(hex, NULL, 16);
            i += 2;
        }
        if ((unsigned char)c < 0x20 || c == 0x7f)
            return -EINVAL;
        if (len + 1 == size)
            return -ENAMETOOLONG;
        out[len++] = c;
        if (pattern)
            url_pattern_add(pattern, c, encoded);
    }
    out[len] = '\0';
    return 0;
}

/* Copies one part of a URL, decoded. Returns 0; 1: the URL has no port;
 * -EINVAL: the part is wrong or too long. */
static int url_part(CURLU *u, CURLUPart part, char *out, size_t size)
{
    char *text = NULL;
    CURLUcode r = curl_url_get(u, part, &text, CURLU_URLDECODE);
    int n = r == CURLUE_OK ? snprintf(out, size, "%s", text) : 0;

    curl_free(text);
    if (r == CURLUE_NO_PORT)
        return 1;
    return r == CURLUE_OK && n < (int)size ? 0 : -EINVAL;
}

/* Reads "HOST:PORT"; the port may be missing. */
static int url_parts(CURLU *u, const char *text, struct url *ret)
{
    char port[8];
    uint64_t number = 0;

    if (curl_url_set(u, CURLUPART_URL, text, 0) != CURLUE_OK ||
        url_part(u, CURLUPART_HOST, ret->host, sizeof(ret->host)) != 0)
        return -EINVAL;
    size_t len = strlen(ret->host);
    if (ret->host[0] == '[') {
        memmove(ret->host, ret->host + 1, len);
        ret->host[len - 2] = '\0';
    }
    int r = url_part(u, CURLUPART_PORT, port, sizeof(port));
    if (r == 0 &&
        (slice_number(slice_from(port), 65535, &number) < 0 || number == 0))
        return -EINVAL;
    if (r == 0)
        ret->port = (unsigned)number;
    return r < 0 ? r : 0;
}

static int url_host(struct slice s, struct url *ret, struct complaint *c)
{
    char text[2 * URL_PART_MAX];
    CURLU *u;

    if (s.len > 0 && s.ptr[0] == '[' && slice_has(s, '%'))
        return complain(c, "%.*s: an IPv6 address with a zone can't be used",
                        (int)s.len, s.ptr);
    int n = snprintf(text, sizeof(text), "ftp://%.*s", (int)s.len, s.ptr);
    u = n < (int)sizeof(text) && !strpbrk(text, "?#") ? curl_url() : NULL;
    int r = u ? url_parts(u, text, ret) : -EINVAL;
    curl_url_cleanup(u);
    return r < 0 ? complain(c, "%.*s: host or port is not valid", (int)s.len,
                            s.ptr)
                 : 0;
}

/* Reads USER@HOST:PORT. The user may contain an "@", as a mail address does. */
static int url_authority(struct slice s, struct url *ret, struct complaint *c)
{
    const char *at = memrchr(s.ptr, '@', s.len);
    struct slice user = { s.ptr, at ? (size_t)(at - s.ptr) : 0 };

    if (!at)
        return url_host(s, ret, c);
    if (slice_has(user, ':'))
        return complain(c, "a password in a URL can be read by every user of "
                           "this machine; leave it out and give it when asked, "
                           "by --password-file or by netrc");
    if (url_decode(user, ret->user, sizeof(ret->user), NULL) < 0)
        return complain(c, "the user in the URL is not valid");
    return url_host((struct slice){ at + 1, s.len - user.len - 1 }, ret, c);
}

/* Parses a proxy's URL. Desktops write "socks://", and curl accepts a proxy
 * without a scheme. */
int url_parse_proxy(const char *text, bool *socks, struct url *ret,
                    struct complaint *c)
{
    static const char *const prefixes[] = { "socks5h://", "socks5://",
                                            "socks://", "http://", "" };
    struct slice rest = slice_from(text), authority;
    size_t i = 0;

    *ret = (struct url){ 0 };
    while (!slice_starts(rest, slice_from(prefixes[i])))
        i++;
    *socks = i < 3;
    rest = slice_from(text + strlen(prefixes[i]));
    slice_cut(&rest, '/', &authority);
    if (authority.len > 0 && rest.len == 0 &&
        url_authority(authority, ret, c) == 0 && ret->port > 0)
        return 0;
    return c->text[0] ? -EINVAL
                      : complain(c, "write socks5h://[USER@]HOST:PORT or "
                                    "http://[USER@]HOST:PORT");
}

const char *url_place(const struct url *u, char out[URL_PLACE_MAX])
{
    bool v6 = strchr(u->host, ':') != NULL;

    snprintf(out, URL_PLACE_MAX, "%s%s%s:%u", v6 ? "[" : "", u->host,
             v6 ? "]" : "", u->port);
    return out;
}

int url_parse(const char *text, struct url *ret, struct complaint *c)
{
    struct slice rest = slice_from(text), authority;
    char path[URL_PATH_MAX];

    *ret = (struct url){ 0 };
    int r = url_scheme(&rest, ret, c);
    if (r < 0)
        return r;
    slice_cut(&rest, '/', &authority);
    ret->port = ret->implicit ? PORT_IMPLICIT : PORT_EXPLICIT;
    r = url_authority(authority, ret, c);
    if (r < 0)
        return r;
    ret->implicit |= ret->port == PORT_IMPLICIT;
    r = url_decode(rest.ptr ? rest : SLICE(""), path, sizeof(path),
                   &ret->pattern);
    if (r == -EINVAL)
        return complain(c,
                        "%s: the path has a control character, or a %% that "
                        "isn't written %%25",
                        text);
    if (r < 0 || url_join("", path, ret->path) < 0)
        return complain(c, "%s: the path is too long", text);
    ret->directory = ret->path[0] == '\0' || path[strlen(path) - 1] == '/';
    return 0;
}

const char *url_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static int url_add(char *out, struct slice part)
{
    size_t len = strlen(out);

    if (part.len == 0 || slice_equal(part, SLICE(".")))
        return 0;
    if (slice_equal(part, SLICE(".."))) {
        char *last = strrchr(out, '/');
        *(last ? last : out) = '\0';
        return 0;
    }
    if (len + (len > 0) + part.len + 1 > URL_PATH_MAX)
        return -ENAMETOOLONG;
    snprintf(out + len, URL_PATH_MAX - len, "%s%.*s", len > 0 ? "/" : "",
             (int)part.len, part.ptr);
    return 0;
}

int url_join(const char *dir, const char *name, char out[URL_PATH_MAX])
{
    const char *const sources[] = { name[0] == '/' ? "" : dir, name };
    char joined[URL_PATH_MAX] = "";

    for (size_t i = 0; i < 2; i++) {
        struct slice rest = slice_from(sources[i]), part;

        while (slice_cut(&rest, '/', &part)) {
            int r = url_add(joined, part);
            if (r < 0)
                return r;
        }
    }
    memcpy(out, joined, sizeof(joined));
    return 0;
}
