/* Decodes an event from bytes that a hostile sender can have written, and
 * writes it as a line of text or JSON. Whatever bytes a name has, an event is
 * one line, and a value stays one value. No process with root's rights calls
 * this code. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <syslog.h>

#include "sallyport/base/harmless.h"
#include "sallyport/event/event.h"

enum kind { TEXT, NUMBER, HEX };

#define FIELD_ROW(field, number, name, kind) { FIELD_##field, (name), (kind) },
static const struct field_row {
    enum event_field field;
    const char *name;
    enum kind kind;
} field_rows[] = { EVENT_FIELDS(FIELD_ROW) };
_Static_assert(sizeof(field_rows) / sizeof(field_rows[0]) == FIELD_COUNT,
               "each number below it is a field's");

static int decode_field(struct slice *rest, struct event_record *r)
{
    const uint8_t *head = (const uint8_t *)rest->ptr;
    size_t len, i = 0;
    unsigned f;

    if (rest->len < 3)
        return -EINVAL;
    f = head[0];
    len = (size_t)head[1] | (size_t)head[2] << 8;
    while (i < FIELD_COUNT && field_rows[i].field != f)
        i++;
    if (i == FIELD_COUNT || len > rest->len - 3)
        return -EINVAL;
    if (r->text[f].ptr || (r->has_number & 1U << f))
        return -EINVAL; /* the field occurs twice */
    if (field_rows[i].kind != TEXT) {
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

int event_escape(struct slice s, struct buf *into)
{
    int r = 0;

    for (size_t i = 0; i < s.len && r == 0;) {
        size_t len = harmless_length(s, i);

        if (len > 0 && s.ptr[i] != '"' && s.ptr[i] != '\\') {
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

/* Adds the beginning and the end of a long value: the end of a path has the
 * file's name. A value can't contain "\[" itself, since its backslashes are
 * escaped. */
static int add_cut(struct slice s, size_t most, struct buf *into)
{
    size_t head = most / 2, tail = s.len - most / 2;
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

static int add_value(const struct event_record *r, const struct field_row *row,
                     size_t most, struct buf *into)
{
    const struct slice s = r->text[row->field];
    const unsigned long long n = r->number[row->field];

    if (row->kind == HEX)
        return buf_add_format(into, "%016llx", n);
    if (row->kind == NUMBER) /* some readers of JSON fail at larger numbers */
        return buf_add_format(into, "%llu", n > INT64_MAX ? INT64_MAX : n);
    return s.len > most ? add_cut(s, most, into) : event_escape(s, into);
}

/* Adds a field, as JSON or for a line of text. The value is escaped already: it
 * has neither quotes nor control bytes, and only the backslashes of the
 * escapes, which JSON needs doubled. */
static int add_pair(struct buf *into, const struct field_row *row,
                    struct slice value, bool json)
{
    bool quoted =
        value.len == 0 || slice_has(value, ' ') || slice_has(value, '=');
    int e;

    if (!json)
        return buf_add_format(into, quoted ? " %s=\"%.*s\"" : " %s=%.*s",
                              row->name, (int)value.len, value.ptr);
    e = buf_add_format(into, ",\"%s\":", row->name);
    if (row->kind == NUMBER)
        return e < 0 ? e : buf_add_slice(into, value);
    if (e == 0)
        e = buf_add_text(into, "\"");
    for (size_t i = 0; i < value.len && e == 0; i++) {
        e = buf_add(into, value.ptr + i, 1);
        if (e == 0 && value.ptr[i] == '\\')
            e = buf_add(into, value.ptr + i, 1);
    }
    return e == 0 ? buf_add_text(into, "\"") : e;
}

static int add_pairs(const struct event_record *r, bool json, size_t most,
                     struct buf *into)
{
    struct buf value;
    int e;

    buf_init(&value, 4 * EVENT_TEXT_MAX);
    e = buf_reserve(&value, EVENT_VALUE_MAX);
    for (size_t i = 0; i < FIELD_COUNT && e == 0; i++) {
        const struct field_row *row = &field_rows[i];

        if (!r->text[row->field].ptr && !(r->has_number & 1U << row->field))
            continue;
        buf_clear(&value);
        e = add_value(r, row, most, &value);
        if (e == 0)
            e = add_pair(into, row, buf_slice(&value), json);
    }
    buf_release(&value);
    return e;
}

/* Adds the fields. Cuts the values so that the line, with its end, has at most
 * PIPE_BUF bytes: if a write has more, a pipe can mix it with a write of
 * another process, and a client's bytes could begin a line. */
static int add_fields(const struct event_record *r, bool json, struct buf *into)
{
    const size_t begin = into->len;
    size_t most = 2 * EVENT_VALUE_MAX;
    int e;

    do {
        most /= 2;
        into->len = begin;
        e = add_pairs(r, json, most, into);
    } while (e == 0 && into->len > PIPE_BUF - 2 && most > EVENT_VALUE_MIN);
    return e;
}

int event_line(const struct event_record *r, struct buf *into)
{
    int e = buf_add_text(into, event_name(r->event));

    return e == 0 ? add_fields(r, false, into) : e;
}

int event_json(const struct event_record *r, const char *now, struct buf *into)
{
    static const char *const severities[] = { [LOG_ERR] = "err",
                                              [LOG_WARNING] = "warning",
                                              [LOG_NOTICE] = "notice",
                                              [LOG_INFO] = "info" };
    int e = buf_add_format(into,
                           "{\"v\":1,\"time\":\"%s\",\"severity\":\"%s\","
                           "\"event\":\"%s\"",
                           now, severities[event_severity(r)],
                           event_name(r->event));

    if (e == 0)
        e = add_fields(r, true, into);
    return e == 0 ? buf_add_text(into, "}\n") : e;
}
