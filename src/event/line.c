/* What log makes of an event: a record from bytes that a sender may have made
 * up, and a line of text. Whatever bytes a name has, an event is one line and
 * each value stays one value. No process of root calls it. */
#include <errno.h>
#include <string.h>

#include "sallyport/event/event.h"

static const struct {
    const char *name;
    bool number;
} field_rows[FIELD_COUNT] = {
    [FIELD_PROCESS] = { "process", false },
    [FIELD_PEER] = { "peer", false },
    [FIELD_LOCAL] = { "local", false },
    [FIELD_USER] = { "user", false },
    [FIELD_VERB] = { "verb", false },
    [FIELD_PATH] = { "path", false },
    [FIELD_TO] = { "to", false },
    [FIELD_BYTES] = { "bytes", true },
    [FIELD_MS] = { "ms", true },
    [FIELD_RESULT] = { "result", true },
    [FIELD_REASON] = { "reason", false },
    [FIELD_TLS] = { "tls", false },
    [FIELD_NUMBER] = { "number", true },
    [FIELD_NAME] = { "name", false },
    [FIELD_VIA] = { "via", false },
    [FIELD_BINDING] = { "binding", false },
    [FIELD_SHA256] = { "sha256", false },
    [FIELD_CERTIFICATE] = { "certificate", false },
    [FIELD_SERIAL] = { "serial", true },
};

static int decode_field(struct slice *rest, struct event_record *r)
{
    const uint8_t *head = (const uint8_t *)rest->ptr;
    unsigned f;
    size_t len;

    if (rest->len < 3)
        return -EINVAL;
    f = head[0];
    len = (size_t)head[1] | (size_t)head[2] << 8;
    if (f >= FIELD_COUNT || len > rest->len - 3)
        return -EINVAL;
    if (r->text[f].ptr || (r->has_number & 1U << f))
        return -EINVAL; /* twice */
    if (field_rows[f].number) {
        if (len != sizeof(r->number[f]))
            return -EINVAL;
        memcpy(&r->number[f], rest->ptr + 3, len);
        r->has_number |= 1U << f;
    } else {
        if (len > EVENT_TEXT_MAX)
            return -EINVAL;
        r->text[f] = (struct slice){ rest->ptr + 3, len };
    }
    *rest = (struct slice){ rest->ptr + 3 + len, rest->len - 3 - len };
    return 0;
}

int event_decode(struct slice bytes, struct event_record *ret)
{
    struct event_record r;
    struct slice rest = bytes;

    if (rest.len < 1 || (uint8_t)rest.ptr[0] >= EVENT_COUNT)
        return -EINVAL;
    event_begin(&r, (enum event)(uint8_t)rest.ptr[0]);
    rest = (struct slice){ rest.ptr + 1, rest.len - 1 };
    while (rest.len > 0)
        if (decode_field(&rest, &r) < 0)
            return -EINVAL;
    *ret = r;
    return 0;
}

static bool has_continuation(struct slice s, size_t at, size_t n)
{
    for (size_t i = 1; i <= n; i++)
        if (at + i >= s.len || ((uint8_t)s.ptr[at + i] & 0xc0) != 0x80)
            return false;
    return true;
}

/* How many bytes the well-formed UTF-8 character at AT has (RFC 3629). 0: there
 * is none; overlong forms, surrogates and numbers above U+10FFFF are none. */
static size_t utf8_length(struct slice s, size_t at)
{
    uint8_t a = (uint8_t)s.ptr[at];
    uint8_t b = at + 1 < s.len ? (uint8_t)s.ptr[at + 1] : 0;

    if (a < 0x80)
        return 1;
    if (a >= 0xc2 && a <= 0xdf)
        return has_continuation(s, at, 1) ? 2 : 0;
    if (a >= 0xe0 && a <= 0xef) {
        if ((a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f))
            return 0;
        return has_continuation(s, at, 2) ? 3 : 0;
    }
    if (a >= 0xf0 && a <= 0xf4) {
        if ((a == 0xf0 && b < 0x90) || (a == 0xf4 && b > 0x8f))
            return 0;
        return has_continuation(s, at, 3) ? 4 : 0;
    }
    return 0;
}

/* Terminals obey C1 controls (U+0080 to U+009F) too. */
static bool is_plain(struct slice s, size_t at, size_t len)
{
    uint8_t a = (uint8_t)s.ptr[at];

    if (len == 1)
        return a >= 0x20 && a != 0x7f && a != '"' && a != '\\';
    return !(len == 2 && a == 0xc2 && (uint8_t)s.ptr[at + 1] < 0xa0);
}

int event_escape(struct slice s, struct buf *into)
{
    int r = 0;

    for (size_t i = 0; i < s.len && r == 0;) {
        size_t len = utf8_length(s, i);

        if (len > 0 && is_plain(s, i, len)) {
            r = buf_add(into, s.ptr + i, len);
            i += len;
        } else {
            r = buf_add_format(into, "\\x%02x", (uint8_t)s.ptr[i]);
            i++;
        }
    }
    return r;
}

static bool is_inside_character(struct slice s, size_t at)
{
    return ((uint8_t)s.ptr[at] & 0xc0) == 0x80;
}

/* Of a long value, adds the beginning and the end, which has the file's name.
 * No value itself can contain "\[", since its backslashes are escaped. */
static int add_cut(struct slice s, struct buf *into)
{
    size_t head = EVENT_VALUE_MAX / 2, tail = s.len - EVENT_VALUE_MAX / 2;
    int r;

    for (int i = 0; i < 3 && is_inside_character(s, head); i++)
        head--;
    for (int i = 0; i < 3 && is_inside_character(s, tail); i++)
        tail++;
    r = event_escape((struct slice){ s.ptr, head }, into);
    if (r == 0)
        r = buf_add_format(into, "\\[%zu]", tail - head);
    if (r == 0)
        r = event_escape((struct slice){ s.ptr + tail, s.len - tail }, into);
    return r;
}

static int add_value(struct buf *into, struct slice s)
{
    bool quoted = s.len == 0 || slice_has(s, ' ') || slice_has(s, '=');
    int r = quoted ? buf_add_text(into, "\"") : 0;

    if (r == 0)
        r = s.len > EVENT_VALUE_MAX ? add_cut(s, into) : event_escape(s, into);
    if (quoted && r == 0)
        r = buf_add_text(into, "\"");
    return r;
}

int event_line(const struct event_record *r, struct buf *into)
{
    int e = buf_add_text(into, event_name(r->event));

    for (unsigned f = 0; f < FIELD_COUNT && e == 0; f++) {
        if (r->text[f].ptr) {
            e = buf_add_format(into, " %s=", field_rows[f].name);
            if (e == 0)
                e = add_value(into, r->text[f]);
        } else if (r->has_number & 1U << f) {
            e = buf_add_format(into, " %s=%llu", field_rows[f].name,
                               (unsigned long long)r->number[f]);
        }
    }
    return e;
}
