/* Rows, with which master answers the message `show`. A row has the name of its
 * table, and names with kinds and values. All names and values are texts, so
 * that the reader needs neither the writer's structs nor a list of the names.
 */
#ifndef SALLYPORT_IPC_SHOWN_H
#define SALLYPORT_IPC_SHOWN_H

#include "sallyport/ipc/channel.h"

/* The byte before each name: the kind of the value. */
enum shown_kind {
    SHOWN_TEXT = '=',
    SHOWN_ITEM = '+', /* a text; items of the same name form a list */
    SHOWN_NUMBER = '#',
    SHOWN_FLAG = '?', /* 0 or 1 */
    SHOWN_TIME = '@', /* seconds since 1970; 0: unknown */
    SHOWN_DAYS = '~', /* a time, shown as days from now */
};

/* A row that is being written. It has one value after the other: the kind and
 * the name, a NUL, the value, a NUL. It begins as { 0 }. */
struct shown_row {
    size_t len; /* more than MESSAGE_BYTES_MAX: a value didn't fit */
    char bytes[MESSAGE_BYTES_MAX];
};

/* The table of a row about the whole server. The table of a row about a part is
 * the part's name. The table of an element of a list is "+LIST" or "PART+LIST".
 * A row of a list that has no values only says that the list exists. */
#define SHOWN_WHOLE "all"

/* Add a text, or a number. A negative time becomes 0. A value must not have a
 * NUL. A name can occur several times. */
void shown_add(struct shown_row *r, enum shown_kind kind, const char *name,
               struct slice value);
void shown_add_number(struct shown_row *r, enum shown_kind kind,
                      const char *name, uint64_t value);
/* Add a value of the most usual kinds, SHOWN_TEXT and SHOWN_NUMBER. */
void shown_text(struct shown_row *r, const char *name, struct slice value);
void shown_number(struct shown_row *r, const char *name, uint64_t value);
/* Sends the row as an answer to REQUEST. Returns the result of channel_send();
 * -EINVAL: a value didn't fit. */
int shown_send(struct channel *c, uint32_t request, const char *table,
               const struct shown_row *r);

/* Takes the next name, its kind and its value from *rest. At the first call
 * *rest is the field `values` of the message `row`. *kind can be any byte.
 * Returns 1; 0: nothing is left; -EPROTO: *rest isn't a row. */
int shown_next(struct slice *rest, enum shown_kind *kind, struct slice *name,
               struct slice *value);

#endif
