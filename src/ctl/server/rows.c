/* Turns rows of names and values from the running server into JSON by tables of
 * columns. The values are foreign: bounded, and escaped for printing. Only a
 * server of this version is asked: another version has other rows. */
#include "rows.h"

#include <errno.h>
#include <time.h>

#include "sallyport/base/clock.h"
#include "sallyport/ipc/shown.h"

#define DAY_S    86400
#define ROWS_MAX 100 /* rows in one answer; a server sends at most 64 */

/* Makes a number; if JSON can't hold it, it is wrong, and becomes the
 * largest. */
static json_t *value_of_number(enum column_kind kind, struct slice text)
{
    const int64_t now = time(NULL);
    uint64_t n = INT64_MAX;

    if (slice_number(text, INT64_MAX, &n) == -EINVAL)
        return NULL;
    const int64_t value = (int64_t)n, left = value - now;

    if (kind == COLUMN_FLAG)
        return json_boolean(value != 0);
    if (kind == COLUMN_TIME)
        return json_time(value);
    if (value == 0 && kind != COLUMN_NUMBER)
        return json_null();
    if (kind == COLUMN_DAYS)
        return json_integer(left > 0 ? left / DAY_S : -1);
    return json_integer(value);
}

json_t *rows_empty(const struct column *c)
{
    json_t *one = json_object();

    for (; c->key; c++) {
        const bool list = c->kind == COLUMN_ROWS || c->kind == COLUMN_LIST;

        if (json_object_set_new(one, c->key,
                                c->kind == COLUMN_ROW ? rows_empty(c->columns)
                                : list                ? json_array()
                                                      : json_null()) < 0)
            fail_no_memory();
    }
    return one;
}

/* Finds the object in IN for a row of this table, or makes it. *c are the
 * columns; they become the object's. Returns NULL if there is no such table. */
static json_t *rows_place(json_t *in, const struct column **c,
                          struct slice table)
{
    json_t *found = NULL;

    for (const struct column *one = *c; one->key && !found; one++) {
        json_t *there = json_object_get(in, one->key);
        bool is_it = slice_equal(table, slice_from(one->key));

        *c = one->columns;
        if (one->kind == COLUMN_ROW)
            found = is_it ? there : rows_place(there, c, table);
        else if (one->kind == COLUMN_ROWS && is_it) {
            found = rows_empty(one->columns);
            if (json_array_append_new(there, found) < 0)
                fail_no_memory();
        }
    }
    return found;
}

/* Sets the column of that name, if there is one. */
static int rows_set(json_t *one, const struct column *c, struct slice name,
                    struct slice text)
{
    json_t *value;

    while (c->key && !slice_equal(name, slice_from(c->key)))
        c++;
    if (c->kind >= COLUMN_LATER)
        return 0;
    value = c->kind <= COLUMN_LIST ? json_foreign(text)
                                   : value_of_number(c->kind, text);
    return c->kind == COLUMN_LIST
               ? json_array_append_new(json_object_get(one, c->key), value)
               : json_object_set_new(one, c->key, value);
}

int rows_take(struct slice table, struct slice values, const struct column *c,
              json_t *into)
{
    struct slice name, text;
    int r;

    if (!slice_equal(table, SLICE(SHOWN_WHOLE)))
        into = rows_place(into, &c, table);
    if (!into)
        return -EPROTO;
    while ((r = shown_next(&values, &name, &text)) == 1)
        if (rows_set(into, c, name, text) < 0)
            return -EPROTO;
    return r;
}

static bool rows_page(enum showable what, uint64_t *at,
                      const struct column *columns, json_t *into)
{
    struct message m;

    server_ask(what, *at, &m);
    for (int n = 0; m.kind == MSG_row; n++) {
        if (n >= ROWS_MAX ||
            rows_take(m.row.table, m.row.values, columns, into) < 0)
            server_lies("an invalid row");
        server_next(&m);
    }
    if (m.kind != MSG_end)
        server_lies("no rows");
    return server_page(m.end.place, at);
}

void rows_read(enum showable what, const struct column *columns, uint64_t ms,
               json_t *into)
{
    const uint64_t end = clock_ms() + ms;
    uint64_t at = 0;

    while (rows_page(what, &at, columns, into) && clock_ms() < end)
        ;
}
