/* Turns rows of names and values from the running server into JSON. The server
 * sends the kind of each value. Names and values are foreign, so they are
 * bounded, and escaped for printing. The server must be of the same build. */
#include "rows.h"

#include <errno.h>
#include <time.h>

#include "sallyport/base/clock.h"
#include "sallyport/ipc/shown.h"

#define DAY_S    86400
#define ROWS_MAX 100 /* rows in one answer; a server sends at most 64 */
#define KEY_ROOM 64

/* Returns the JSON value, or NULL if TEXT isn't valid. A number that JSON can't
 * hold is a fault of the server, and becomes the largest one. */
static json_t *value_of(enum shown_kind kind, struct slice text)
{
    uint64_t n = INT64_MAX;

    if (kind == SHOWN_TEXT || kind == SHOWN_ITEM)
        return json_foreign(text);
    if (slice_number(text, INT64_MAX, &n) == -EINVAL)
        return NULL;
    const int64_t value = (int64_t)n, left = value - time(NULL);

    switch (kind) {
    case SHOWN_NUMBER:
        return json_integer(value);
    case SHOWN_FLAG:
        return json_boolean(value != 0);
    case SHOWN_TIME:
        return json_time(value);
    case SHOWN_DAYS:
        return value == 0 ? json_null()
                          : json_integer(left > 0 ? left / DAY_S : -1);
    default:
        return NULL;
    }
}

static bool shown_key(struct slice name, char key[KEY_ROOM])
{
    return slice_copy(name, key, KEY_ROOM) == 0 && key[0] &&
           !key[strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_")];
}

/* Returns the member NAME of the object OF; MAKE makes a missing one. Returns
 * NULL if OF isn't an object, or NAME isn't valid. */
static json_t *member_of(json_t *of, struct slice name, json_t *(*make)(void))
{
    char key[KEY_ROOM];

    if (!shown_key(name, key) || !json_is_object(of))
        return NULL;
    if (!json_object_get(of, key) && json_object_set_new(of, key, make()) < 0)
        fail_no_memory();
    return json_object_get(of, key);
}

int rows_take(struct slice table, struct slice values, json_t *into)
{
    struct slice name, text, part;
    enum shown_kind kind;
    char key[KEY_ROOM];
    int r;

    if (slice_equal(table, SLICE(SHOWN_WHOLE)))
        table = SLICE("");
    slice_cut(&table, '+', &part);
    if (part.len > 0)
        into = member_of(into, part, json_object);
    if (table.ptr) {
        json_t *list = member_of(into, table, json_array);

        if (!list || values.len == 0)
            return list ? 0 : -EPROTO;
        into = json_object();
        if (json_array_append_new(list, into) < 0)
            return -EPROTO;
    }
    while ((r = shown_next(&values, &kind, &name, &text)) == 1) {
        json_t *value = shown_key(name, key) ? value_of(kind, text) : NULL;

        if (!value ||
            (kind == SHOWN_ITEM ? json_array_append_new(
                                      member_of(into, name, json_array), value)
                                : json_object_set_new(into, key, value)) < 0)
            return -EPROTO;
    }
    return r;
}

static bool rows_page(enum showable what, uint64_t *at, json_t *into)
{
    struct message m;

    server_ask(what, *at, &m);
    for (int n = 0; m.kind == MSG_row; n++) {
        if (n >= ROWS_MAX || rows_take(m.row.table, m.row.values, into) < 0)
            server_lies("an invalid row");
        server_next(&m);
    }
    if (m.kind != MSG_end)
        server_lies("no rows");
    return server_page(m.end.place, at);
}

void rows_read(enum showable what, uint64_t ms, json_t *into)
{
    const uint64_t end = clock_ms() + ms;
    uint64_t at = 0;

    while (rows_page(what, &at, into) && clock_ms() < end)
        ;
}
