/* Rows: written by master, read by sallyportctl. */
#include "sallyport/ipc/row.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void row_put(struct row *r, struct slice text)
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

void row_text(struct row *r, const char *name, struct slice value)
{
    row_put(r, slice_from(name));
    row_put(r, value);
}

void row_number(struct row *r, const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    row_text(r, name, slice_from(text));
}

void row_time(struct row *r, const char *name, int64_t value)
{
    row_number(r, name, value > 0 ? (uint64_t)value : 0);
}

int row_send(struct channel *c, uint32_t request, const char *table,
             const struct row *r)
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

int row_next(struct slice *rest, struct slice *name, struct slice *value)
{
    if (rest->len == 0)
        return 0;
    return row_take(rest, name) && name->len > 0 && row_take(rest, value)
               ? 1
               : -EPROTO;
}
