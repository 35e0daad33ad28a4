/* Users of a directory: LDIF (RFC 2849), as ldapsearch and slapcat write it.
 * Lines are unfolded, and base64 is decoded, in place. Records of changes, and
 * values that are in other files, are refused; so is a text whose last line
 * isn't ended, since it may be cut off. Pure. */
#include "import.h"

#include <errno.h>

enum ldif_attribute {
    UID,
    PASSWORD,
    DISPLAY_NAME,
    CN,
    MAIL,
    SHADOW_EXPIRE,
    NS_ACCOUNT_LOCK,
    PWD_LOCKED,
    ATTRIBUTES
};

static const char *const attribute_names[ATTRIBUTES] = {
    [UID] = "uid",
    [PASSWORD] = "userPassword",
    [DISPLAY_NAME] = "displayName",
    [CN] = "cn",
    [MAIL] = "mail",
    [SHADOW_EXPIRE] = "shadowExpire",
    [NS_ACCOUNT_LOCK] = "nsAccountLock",
    [PWD_LOCKED] = "pwdAccountLockedTime",
};

/* Of ppolicy: until an administrator unlocks the account. */
#define LOCKED_FOR_EVER SLICE("000001010000Z")

struct ldif {
    struct import *m;
    char *at, *end; /* what isn't read yet */
    size_t line;    /* number of the last line that was read */
    size_t begin;   /* of the first line of those that were folded */
    /* The record: its entry, or NULL between two records; and of each attribute
     * the first value. */
    struct imported *entry;
    struct slice dn, value[ATTRIBUTES];
    bool many_uids;
    bool any;    /* line was read */
    size_t most; /* records that there can be */
};

static int ldif_mistake(const struct ldif *l, const char *what)
{
    return ctl_fail(l->m->x, EX_DATAERR, "%s:%zu: %s", l->m->path, l->begin,
                    what);
}

/* A line of the text. */
struct span {
    char *ptr;
    size_t len;
};

/* Drops the first byte. */
static void span_drop(struct span *s)
{
    s->ptr++;
    s->len--;
}

/* The text ends with a line end. */
static bool cut_folded(struct ldif *l, struct span *ret)
{
    char *stop;

    if (l->at == l->end)
        return false;
    stop = memchr(l->at, '\n', (size_t)(l->end - l->at));
    *ret = (struct span){ l->at, (size_t)(stop - l->at) };
    l->at = stop + 1;
    l->line++;
    if (ret->len > 0 && ret->ptr[ret->len - 1] == '\r')
        ret->len--;
    return true;
}

/* A line that begins with a blank continues the one before. */
static bool cut_line(struct ldif *l, struct span *ret)
{
    struct span more;

    if (!cut_folded(l, ret))
        return false;
    l->begin = l->line;
    while (ret->len > 0 && l->at < l->end && *l->at == ' ' &&
           cut_folded(l, &more)) {
        memmove(ret->ptr + ret->len, more.ptr + 1, more.len - 1);
        ret->len += more.len - 1;
    }
    return true;
}

/* Base64 (RFC 4648), in place. */

static int digit64(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c ? strchr(digits, c) : NULL;

    return found ? (int)(found - digits) : -1;
}

static int decode64(struct span *text)
{
    size_t len = text->len, out = 0;
    unsigned bits = 0, have = 0;

    if (len % 4 != 0)
        return -EINVAL;
    for (int i = 0; i < 2 && len > 0 && text->ptr[len - 1] == '='; i++)
        len--;
    for (size_t i = 0; i < len; i++) {
        int digit = digit64(text->ptr[i]);

        if (digit < 0)
            return -EINVAL;
        bits = bits << 6 | (unsigned)digit;
        have += 6;
        if (have >= 8) {
            have -= 8;
            text->ptr[out++] = (char)(bits >> have & 0xff);
        }
    }
    text->len = out;
    return 0;
}

/* "NAME: VALUE" or "NAME:: BASE64" */

static bool attribute_name_ok(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || memchr("-.;_", c, 4)))
            return false;
    }
    return name.len > 0;
}

static int cut_value(struct ldif *l, struct span line, struct slice *name,
                     struct slice *value)
{
    struct slice rest = { line.ptr, line.len };
    char mark = ' ';

    *value = SLICE("");
    slice_cut(&rest, ':', name);
    if (!rest.ptr || !attribute_name_ok(*name))
        return ldif_mistake(l, "expected a line NAME: VALUE");
    if (memchr(line.ptr, '\0', line.len))
        return ldif_mistake(l, "a NUL byte");
    if (rest.len > 0)
        mark = rest.ptr[0];
    if (mark == '<')
        return ldif_mistake(l, "a value in another file (:<) isn't read");
    line = (struct span){ line.ptr + name->len + 1, rest.len };
    if (mark == ':')
        span_drop(&line);
    while (line.len > 0 && line.ptr[0] == ' ')
        span_drop(&line);
    if (mark == ':' && decode64(&line))
        return ldif_mistake(l, "no base64 after ::");
    *value = (struct slice){ line.ptr, line.len };
    return 0;
}

/* Records. */

static void take_attribute(struct ldif *l, struct slice name,
                           struct slice value)
{
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        if (!slice_equal_nocase(name, slice_from(attribute_names[i])))
            continue;
        if (i == PASSWORD)
            import_limits_password(l->entry, value);
        if (!l->value[i].ptr)
            l->value[i] = value;
        else if (i == UID)
            l->many_uids = true;
    }
}

static void take_locks(const struct ldif *l, struct imported *e)
{
    import_limits_day(e, l->value[SHADOW_EXPIRE]);
    if (slice_equal_nocase(l->value[NS_ACCOUNT_LOCK], SLICE("true")) ||
        slice_equal(l->value[PWD_LOCKED], LOCKED_FOR_EVER))
        import_limits_closed(e, "its account is locked there");
}

static int end_record(struct ldif *l)
{
    struct imported *e = l->entry;

    l->entry = NULL;
    if (!e)
        return 0;
    e->name = l->value[UID];
    e->comment = l->value[l->value[DISPLAY_NAME].ptr ? DISPLAY_NAME : CN];
    e->mail = l->value[MAIL];
    take_locks(l, e);
    if (e->name.ptr && !l->many_uids)
        return import_named(l->m, e);
    e->no_user = !l->many_uids;
    e->why_not = e->no_user ? "it has no uid" : "it has several uids";
    e->name = l->dn;
    return 0;
}

static int begin_record(struct ldif *l, struct slice name, struct slice value)
{
    if (!l->any && slice_equal_nocase(name, SLICE("version"))) {
        l->any = true;
        return slice_equal(value, SLICE("1"))
                   ? 0
                   : ldif_mistake(l, "expected version: 1");
    }
    if (!slice_equal_nocase(name, SLICE("dn")))
        return ldif_mistake(l, "expected dn: at the beginning of a record; "
                               "ldapsearch writes LDIF with -LLL");
    if (l->m->count == l->most)
        return ldif_mistake(l, "dn: is folded within its name");
    l->any = true;
    l->entry = import_add(l->m, l->begin);
    l->dn = value;
    memset(l->value, 0, sizeof(l->value));
    l->many_uids = false;
    return 0;
}

static int take_line(struct ldif *l, struct span line)
{
    struct slice name, value;
    int code;

    if (line.len == 0)
        return end_record(l);
    if (line.ptr[0] == '#')
        return 0;
    code = cut_value(l, line, &name, &value);
    if (code)
        return code;
    if (!l->entry)
        return begin_record(l, name, value);
    if (slice_equal_nocase(name, SLICE("changetype")) ||
        slice_equal_nocase(name, SLICE("control")))
        return ldif_mistake(l, "a record of changes; expected one of contents");
    if (slice_equal_nocase(name, SLICE("dn")))
        return ldif_mistake(l, "a second dn: in a record");
    take_attribute(l, name, value);
    return 0;
}

/* Each record has a line dn:. */
static size_t most_records(struct slice text)
{
    struct slice line;
    size_t n = 0;

    while (slice_cut(&text, '\n', &line))
        n += line.len >= 3 &&
             slice_equal_nocase((struct slice){ line.ptr, 3 }, SLICE("dn:"));
    return n;
}

int import_ldif(struct import *m)
{
    struct ldif l = { .m = m, .at = m->text.data, .end = m->text.data };
    struct span line;
    int code;

    if (m->text.len == 0)
        return 0;
    l.end += m->text.len;
    l.most = most_records(buf_slice(&m->text));
    if (l.end[-1] != '\n')
        return ctl_fail(m->x, EX_DATAERR,
                        "%s: its last line isn't ended, so it may be cut off",
                        m->path);
    code = import_begin(m, l.most);
    while (code == 0 && cut_line(&l, &line))
        code = take_line(&l, line);
    return code ? code : end_record(&l);
}
