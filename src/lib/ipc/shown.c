/* Rows of tables, which master writes and sallyportctl reads. */
#include "sallyport/ipc/shown.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void shown_put(struct shown_row *r, struct slice text)
{
    if (r->len >= sizeof(r->bytes) || text.len >= sizeof(r->bytes) - r->len ||
        slice_has(text, '\0')) {
        r->len = SIZE_MAX;
        return;
    }
    if (text.len > 0)
        memcpy(r->bytes + r->len, text.ptr, text.len);
    r->len += text.len;
    r->bytes[r->len++] = '\0';
}

void shown_add(struct shown_row *r, enum shown_kind kind, const char *name,
               struct slice value)
{
    char head[64];

    snprintf(head, sizeof(head), "%c%s", (char)kind, name);
    shown_put(r, slice_from(head));
    shown_put(r, value);
}

void shown_add_number(struct shown_row *r, enum shown_kind kind,
                      const char *name, uint64_t value)
{
    char text[24];

    if ((kind == SHOWN_TIME || kind == SHOWN_DAYS) && (int64_t)value < 0)
        value = 0;
    snprintf(text, sizeof(text), "%" PRIu64, value);
    shown_add(r, kind, name, slice_from(text));
}

void shown_text(struct shown_row *r, const char *name, struct slice value)
{
    shown_add(r, SHOWN_TEXT, name, value);
}

void shown_number(struct shown_row *r, const char *name, uint64_t value)
{
    shown_add_number(r, SHOWN_NUMBER, name, value);
}

int shown_send(struct channel *c, uint32_t request, const char *table,
               const struct shown_row *r)
{
    const struct slice values = { r->bytes, r->len };

    return r->len > sizeof(r->bytes)
               ? -EINVAL
               : SEND(c, row, request, .table = slice_from(table),
                      .values = values);
}

static bool row_take(struct slice *rest, struct slice *text)
{
    return slice_cut(rest, '\0', text) && rest->ptr;
}

int shown_next(struct slice *rest, enum shown_kind *kind, struct slice *name,
               struct slice *value)
{
    struct slice head;

    if (rest->len == 0)
        return 0;
    if (!row_take(rest, &head) || head.len < 2 || !row_take(rest, value))
        return -EPROTO;
    *kind = (enum shown_kind)head.ptr[0];
    *name = (struct slice){ head.ptr + 1, head.len - 1 };
    return 1;
}
