/* Rows: the answers of master to `show`. A row has the name of its table, and
 * names with values and their kinds. All of them are texts, so that the reader
 * needs neither the writer's structs nor a list of the names. */
#ifndef SALLYPORT_IPC_SHOWN_H
#define SALLYPORT_IPC_SHOWN_H

#include "sallyport/ipc/channel.h"

/* Before each name. */
enum shown_kind {
    SHOWN_TEXT = '=',
    SHOWN_ITEM = '+', /* a text of the list of that name */
    SHOWN_NUMBER = '#',
    SHOWN_FLAG = '?', /* 0 or 1 */
    SHOWN_TIME = '@', /* seconds since 1970; 0: unknown */
    SHOWN_DAYS = '~', /* the same; its days from now are shown */
};

/* A row that is being written: a kind and a name, and its value, each with a
 * NUL, one after the other. It begins as { 0 }. */
struct shown_row {
    size_t len; /* larger than the space: something didn't fit */
    char bytes[MESSAGE_BYTES_MAX];
};

/* The table of a row about the whole server. Another row is about a part: its
 * table is the part's name; or "+LIST", or "PART+LIST", for an element of that
 * list. A row of a list without values only says that there is a list. */
#define SHOWN_WHOLE "all"

/* Add a text, or a number; a time may be negative, which becomes 0. A value has
 * no NUL. A name may come several times. */
void shown_add(struct shown_row *r, enum shown_kind kind, const char *name,
               struct slice value);
void shown_add_number(struct shown_row *r, enum shown_kind kind,
                      const char *name, uint64_t value);
/* Add a value of the most usual kinds, SHOWN_TEXT and SHOWN_NUMBER. */
void shown_text(struct shown_row *r, const char *name, struct slice value);
void shown_number(struct shown_row *r, const char *name, uint64_t value);
/* Sends the row as an answer to REQUEST. Returns as channel_send(); -EINVAL:
 * some value didn't fit. */
int shown_send(struct channel *c, uint32_t request, const char *table,
               const struct shown_row *r);

/* Takes the next name, its kind and its value from *rest, at first the values
 * of a message. *kind may be any byte. Returns 1; 0: there are no more;
 * -EPROTO: it is no row. */
int shown_next(struct slice *rest, enum shown_kind *kind, struct slice *name,
               struct slice *value);

#endif
