/* Rows: the answers of master to `show`. A row has the name of its table, and
 * names with values and their kinds. All of them are texts, so that the reader
 * needs neither the writer's structs nor a list of the names. */
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

/* A row that is being written: a kind and a name, and its value, each with a
 * NUL, one after the other. It begins as { 0 }. */
struct shown_row {
    size_t len; /* larger than the space: something didn't fit */
    char bytes[MESSAGE_BYTES_MAX];
};

/* The table of a row about the whole server. Another row is about a part: its
 * table is the part's name; or "+LIST", or "PART+LIST", for an element of that
 * list. A row of a list that has no values only says that there is a list. */
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
/* Sends the row as an answer to REQUEST. Returns as channel_send(); -EINVAL: a
 * value didn't fit. */
int shown_send(struct channel *c, uint32_t request, const char *table,
               const struct shown_row *r);

/* Takes the next name, its kind and its value from *rest, which is at first the
 * values of a message. *kind can be any byte. Returns 1; 0: nothing is left;
 * -EPROTO: *rest isn't a row. */
int shown_next(struct slice *rest, enum shown_kind *kind, struct slice *name,
               struct slice *value);

#endif
