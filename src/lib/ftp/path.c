/* Normalises paths. Runs in session, for the client's paths, and in files, for
 * session's paths. Takes bytes literally: it neither matches patterns nor
 * decodes anything. It doesn't look at the disk: only the kernel can say
 * whether a name exists and where a link leads. It never returns a path with
 * "..". */
#include "sallyport/ftp/path.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COMPONENT_MAX 255

void path_root(struct path *p)
{
    p->bytes[0] = '/';
    p->bytes[1] = 0;
    p->len = 1;
    p->directory = true;
}

static int path_down(struct path *p, struct slice component)
{
    size_t slash = p->len > 1 ? 1 : 0;

    if (component.len > COMPONENT_MAX ||
        p->len + slash + component.len > FTP_PATH_MAX)
        return -ENAMETOOLONG;
    if (slash)
        p->bytes[p->len++] = '/';
    memcpy(p->bytes + p->len, component.ptr, component.len);
    p->len += component.len;
    return 0;
}

/* Returns true if COMPONENT is "." or "..". */
static bool is_dots(struct slice component)
{
    return slice_equal(component, SLICE(".")) ||
           slice_equal(component, SLICE(".."));
}

/* Returns true if S has a byte that would end a line or a C string. */
static bool has_forbidden(struct slice s)
{
    return slice_has(s, '\0') || slice_has(s, '\r') || slice_has(s, '\n');
}

int path_resolve(const struct path *cwd, struct slice arg, struct path *ret)
{
    struct slice rest = arg, component;
    struct path p;
    int r = 0;

    if (arg.len == 0 || has_forbidden(arg))
        return -EINVAL;
    if (arg.ptr[0] == '/') {
        path_root(&p);
    } else {
        memcpy(p.bytes, cwd->bytes, cwd->len);
        p.len = cwd->len;
    }
    while (r == 0 && slice_cut(&rest, '/', &component)) {
        if (slice_equal(component, SLICE(".."))) {
            /* Removes the last component; the root stays the root. */
            while (p.len > 1 && p.bytes[p.len - 1] != '/')
                p.len--;
            if (p.len > 1)
                p.len--;
        } else if (component.len > 0 && !is_dots(component)) {
            r = path_down(&p, component);
        }
    }
    if (r < 0)
        return r;
    memcpy(ret->bytes, p.bytes, p.len);
    ret->bytes[p.len] = 0;
    ret->len = p.len;
    ret->directory = path_names_directory(arg);
    return 0;
}

struct slice path_slice(const struct path *p)
{
    return (struct slice){ p->bytes, p->len };
}

bool path_names_directory(struct slice arg)
{
    struct slice last = SLICE("");

    while (slice_cut(&arg, '/', &last))
        continue;
    return last.len == 0 || is_dots(last);
}

bool path_is_normal(struct slice p)
{
    struct slice component;

    if (p.len == 0 || p.len > FTP_PATH_MAX || p.ptr[0] != '/' ||
        has_forbidden(p))
        return false;
    if (p.len == 1)
        return true;
    p = (struct slice){ p.ptr + 1, p.len - 1 };
    while (slice_cut(&p, '/', &component))
        if (component.len == 0 || component.len > COMPONENT_MAX ||
            is_dots(component))
            return false;
    return true;
}

void path_split(struct slice p, struct slice *directory, struct slice *name)
{
    size_t at = p.len;

    while (at > 0 && p.ptr[at - 1] != '/')
        at--;
    *name = (struct slice){ p.ptr + at, p.len - at };
    *directory = at > 1 ? (struct slice){ p.ptr, at - 1 } : SLICE("/");
}

/* Returns true if the name can lead to a reserved name on a file system that
 * ignores case. For such a file system, "S" and U+017F are the same as "s", and
 * some ignore code points such as U+00AD. So this function ignores a byte above
 * 127, or takes it for the only s. */
bool path_name_is_reserved(struct slice name)
{
    const char *left = PATH_RESERVED;
    bool other = false;

    for (size_t i = 0; i < name.len && *left; i++) {
        int c = tolower((unsigned char)name.ptr[i]);

        if (c >= 0x80)
            other = true;
        else if (c == left[0])
            left++;
        else if (other && left[0] == 's' && c == left[1])
            left += 2;
        else
            return false;
    }
    return *left == '\0';
}

bool path_name_ok(struct slice name)
{
    return name.len > 0 && name.len <= COMPONENT_MAX && !is_dots(name) &&
           !path_name_is_reserved(name) && !slice_has_control(name) &&
           !slice_has(name, '/');
}

int path_unique(const struct path *near, bool named, uint64_t number,
                struct path *ret)
{
    char component[COMPONENT_MAX + 1];
    struct slice directory = path_slice(near), name = SLICE("");
    unsigned long long n = number;
    int len;

    if (!named) {
        len = snprintf(component, sizeof(component), "stou-%016llx", n);
    } else {
        path_split(path_slice(near), &directory, &name);
        if (name.len == 0)
            return -EINVAL;
        if (name.len > COMPONENT_MAX - 17)
            return -ENAMETOOLONG;
        /* The extension begins at the last dot, unless the dot is the first
         * character. */
        size_t at = name.len - 1;
        while (at > 0 && name.ptr[at] != '.')
            at--;
        if (at == 0)
            at = name.len;
        len =
            snprintf(component, sizeof(component), "%.*s.%016llx%.*s", (int)at,
                     name.ptr, n, (int)(name.len - at), name.ptr + at);
    }
    struct path p = { .len = directory.len };
    memcpy(p.bytes, directory.ptr, directory.len);
    int r = path_down(&p, (struct slice){ component, (size_t)len });
    if (r == 0)
        *ret = p;
    return r;
}

void path_quote(struct slice p, struct buf *into)
{
    for (size_t i = 0; i < p.len; i++)
        buf_add(into, p.ptr[i] == '"' ? "\"\"" : &p.ptr[i],
                p.ptr[i] == '"' ? 2 : 1);
}
