/* Rows: the answers of master to `show`. A row has the name of its table, and
 * names with values. All of them are texts, so that the reader doesn't need the
 * writer's structs. */
#ifndef SALLYPORT_IPC_SHOWN_H
#define SALLYPORT_IPC_SHOWN_H

#include "sallyport/ipc/channel.h"

/* A row that is being written: a name and its value, each with a NUL, one after
 * the other. It begins as { 0 }. */
struct shown_row {
    size_t len; /* larger than the space: something didn't fit */
    char bytes[MESSAGE_BYTES_MAX];
};

/* The table of a row about the whole server, not about a part of it. */
#define SHOWN_WHOLE "all"

/* A value has no NUL. A name may come several times. */
void shown_text(struct shown_row *r, const char *name, struct slice value);
void shown_number(struct shown_row *r, const char *name, uint64_t value);
/* Seconds since 1970; 0 and less: unknown. */
void shown_time(struct shown_row *r, const char *name, int64_t value);
/* Sends the row as an answer to REQUEST. Returns as channel_send(); -EINVAL:
 * some value didn't fit. */
int shown_send(struct channel *c, uint32_t request, const char *table,
               const struct shown_row *r);

/* Takes the next name and its value from *rest, at first the values of a
 * message. Returns 1; 0: there are no more; -EPROTO: it is no row. */
int shown_next(struct slice *rest, struct slice *name, struct slice *value);

#endif
