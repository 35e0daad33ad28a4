/* The running server's state, as JSON. */
#ifndef CTL_ROWS_H
#define CTL_ROWS_H

#include "ctl.h"

/* Asks the server to show WHAT from PLACE on, and waits for the first answer.
 * EX_PROTOCOL: the server is of another build. */
void server_ask(enum showable what, uint64_t place, struct message *answer);

/* A member of an object, and the row's value of that name. An array of them
 * ends with COLUMNS_END. */
enum column_kind {
    COLUMN_TEXT,     /* json_foreign() */
    COLUMN_LIST,     /* an array of several such texts */
    COLUMN_NUMBER,   /* at most INT64_MAX */
    COLUMN_POSITIVE, /* the same; null for 0 */
    COLUMN_FLAG,     /* a boolean */
    COLUMN_TIME,     /* json_time() */
    COLUMN_DAYS,     /* days until that time; -1: it has passed; null for 0 */
    COLUMN_LATER,    /* null here; the caller fills it in */
    COLUMN_ROW,      /* an object: a row of the table of that name */
    COLUMN_ROWS,     /* an array of such objects */
};
struct column {
    const char *key;
    enum column_kind kind;
    const struct column *columns; /* columns of the other table */
};
/* clang-format off */
#define COLUMN(name, what)      { #name, COLUMN_##what, NULL }
#define COLUMNS(name, what, of) { #name, COLUMN_##what, of }
#define COLUMNS_END             { NULL, COLUMN_LATER, NULL }
/* clang-format on */

/* Makes an object with the members in the order of the columns: each is null,
 * or []. */
json_t *rows_empty(const struct column *c);
/* Writes a row with these VALUES into INTO, such an object, or into the member
 * that the columns have for its table. Returns 0 or -EPROTO. */
int rows_take(struct slice table, struct slice values, const struct column *c,
              json_t *into);
/* Reads all rows of WHAT into INTO, such an object. After MS it asks for no
 * further page. */
void rows_read(enum showable what, const struct column *columns, uint64_t ms,
               json_t *into);

/* attention.c: adds "disks" and "attention", an array of objects with a level
 * and a text. */
void attention_add(json_t *status);
#define LEVEL_OK       "ok"
#define LEVEL_WARNING  "warning"
#define LEVEL_CRITICAL "critical"
/* Adds an object to such an array. */
void attend(json_t *list, const char *level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
