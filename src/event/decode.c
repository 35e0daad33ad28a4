/* Events from bytes, which a sender may have made up: in log, and in sessions
 * for their own. */
#include <errno.h>
#include <string.h>

#include "record.h"

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
