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
    COLUMN_TEXT,     /* escaped; null if it is empty */
    COLUMN_STRING,   /* escaped, also an empty one */
    COLUMN_WORDS,    /* the same of a sentence, by server_words() */
    COLUMN_LIST,     /* of such texts: an array */
    COLUMN_NUMBER,   /* at most INT64_MAX */
    COLUMN_POSITIVE, /* the same; null for 0 */
    COLUMN_FLAG,     /* a boolean */
    COLUMN_TIME,     /* json_time() */
    COLUMN_DAYS,     /* until that time; -1: it has passed; null for 0 */
    COLUMN_LATER,    /* null; not of the row */
    COLUMN_ROW,      /* an object: a row of the table of that name */
    COLUMN_ROWS,     /* an array of such */
};
struct column {
    const char *key;
    enum column_kind kind;
    const struct column *columns; /* of the other table */
};
/* clang-format off */
#define COLUMN(name, what)      { #name, COLUMN_##what, NULL }
#define COLUMNS(name, what, of) { #name, COLUMN_##what, of }
#define COLUMNS_END             { NULL, COLUMN_LATER, NULL }
/* clang-format on */

/* Escapes TEXT of the server for printing; null for an empty text, NULL for a
 * text that is too long. */
#define SHOWN_TEXT_MAX (4 * MESSAGE_TEXT_MAX + 1) /* \xNN for each byte */
json_t *json_foreign(struct slice text);
/* Makes an object with the members in the order of the columns: each is null,
 * or []. Returns NULL if there is no memory. */
json_t *rows_empty(const struct column *c);
/* Writes a row with these VALUES INTO such an object, or into what the columns
 * have for its table. Returns 0 or -EPROTO. */
int rows_take(struct slice table, struct slice values, const struct column *c,
              json_t *into);
/* Reads all rows of WHAT INTO such an object. After MS it asks for no further
 * page. */
void rows_read(enum showable what, const struct column *columns, uint64_t ms,
               json_t *into);

#endif
