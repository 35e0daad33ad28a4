/* URLs and remote paths. Pure. */
#include <errno.h>
#include <stdio.h>
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

bool url_is(const char *text)
{
    size_t letters = strspn(text, "abcdefghijklmnopqrstuvwxyz+");

    return letters > 0 && strncmp(text + letters, "://", 3) == 0;
}

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

static int url_hex(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at =
        c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

    return at ? (int)(at - digits) : -1;
}

void url_pattern_add(struct url_pattern *p, char c, bool literal)
{
    if (c == '/') {
        p->ended = true;
        return;
    }
    if (p->ended)
        *p = (struct url_pattern){ 0 };
    /* No name is as long, so nothing would match. */
    if (p->len + 3 > sizeof(p->text))
        return;
    p->some |= !literal && strchr("*?[", c);
    if (c == '\\' || (literal && strchr("*?[]", c)))
        p->text[p->len++] = '\\';
    p->text[p->len++] = c;
    p->text[p->len] = '\0';
}

/* PATTERN (or NULL): an encoded character is literal there. */
static int url_decode(struct slice s, char *out, size_t size,
                      struct url_pattern *pattern)
{
    size_t len = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool encoded = c == '%';

        if (encoded) {
            bool whole = i + 2 < s.len;
            int high = whole ? url_hex(s.ptr[i + 1]) : -1;
            int low = whole ? url_hex(s.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return -EINVAL;
            c = (char)(high * 16 + low);
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

static int url_port(struct slice text, struct url *ret)
{
    uint64_t port;

    if (!text.ptr)
        return 0;
    if (slice_number(text, 65535, &port) < 0 || port == 0)
        return -EINVAL;
    ret->port = (unsigned)port;
    return 0;
}

/* Reads "HOST", "HOST:PORT" or "[IPV6]:PORT". */
static int url_host(struct slice text, struct url *ret)
{
    struct slice host, port = text;

    if (text.len > 0 && text.ptr[0] == '[') {
        port = (struct slice){ text.ptr + 1, text.len - 1 };
        if (!slice_cut(&port, ']', &host) || !port.ptr)
            return -EINVAL;
        if (port.len > 0 && port.ptr[0] != ':')
            return -EINVAL;
        port = port.len > 0 ? (struct slice){ port.ptr + 1, port.len - 1 }
                            : (struct slice){ NULL, 0 };
    } else {
        slice_cut(&port, ':', &host);
    }
    if (host.len == 0 ||
        url_decode(host, ret->host, sizeof(ret->host), NULL) < 0 ||
        strpbrk(ret->host, "/@ \\\"'?#%[]<>^`{|}"))
        return -EINVAL;
    return url_port(port, ret);
}

static int url_user(struct slice text, struct url *ret, struct complaint *c)
{
    if (slice_has(text, ':'))
        return complain(c, "a password in a URL can be read by every user of "
                           "this machine; leave it out and give it when asked, "
                           "by --password-file or by netrc");
    if (url_decode(text, ret->user, sizeof(ret->user), NULL) < 0)
        return complain(c, "the user name in the URL is not valid");
    return 0;
}

/* Cuts "USER@" off the beginning. */
static int url_cut_user(struct slice *authority, struct url *ret,
                        struct complaint *c)
{
    const char *at = memrchr(authority->ptr, '@', authority->len);

    if (!at)
        return 0;
    struct slice user = { authority->ptr, (size_t)(at - authority->ptr) };
    *authority = (struct slice){ at + 1, authority->len - user.len - 1 };
    return url_user(user, ret, c);
}

int url_parse_proxy(const char *text, bool *socks, struct url *ret,
                    struct complaint *c)
{
    static const char *const prefixes[] = { "socks5h://", "socks5://",
                                            "http://" };
    struct slice rest = slice_from(text), authority = { 0 };

    *ret = (struct url){ 0 };
    for (size_t i = 0; i < 3 && !authority.ptr; i++) {
        struct slice prefix = slice_from(prefixes[i]);

        if (!slice_starts(rest, prefix))
            continue;
        rest = (struct slice){ rest.ptr + prefix.len, rest.len - prefix.len };
        slice_cut(&rest, '/', &authority);
        *socks = i < 2;
    }
    if (authority.ptr && url_cut_user(&authority, ret, c) < 0)
        return -EINVAL;
    if (!authority.ptr || rest.len > 0 || url_host(authority, ret) < 0 ||
        ret->port == 0)
        return complain(c, "write socks5h://[USER@]HOST:PORT or "
                           "http://[USER@]HOST:PORT");
    return 0;
}

void url_write_server(const struct url *u, struct buf *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    const char *bracket = strchr(u->host, ':') ? "[" : "";

    buf_add_text(out, u->implicit && u->port != PORT_IMPLICIT
                          ? "ftps+implicit://"
                          : "ftps://");
    for (const char *at = u->user; *at; at++)
        buf_add_format(out, strchr(plain, *at) ? "%c" : "%%%02X",
                       (unsigned char)*at);
    buf_add_format(out, "%s%s%s%s", u->user[0] ? "@" : "", bracket, u->host,
                   bracket[0] ? "]" : "");
    if (u->port != PORT_EXPLICIT)
        buf_add_format(out, ":%u", u->port);
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
    r = url_cut_user(&authority, ret, c);
    if (r < 0)
        return r;
    ret->port = ret->implicit ? PORT_IMPLICIT : PORT_EXPLICIT;
    if (url_host(authority, ret) < 0)
        return complain(c, "%s: host or port is not valid", text);
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
