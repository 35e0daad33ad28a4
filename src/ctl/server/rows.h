/* The running server's state, as JSON. */
#ifndef CTL_ROWS_H
#define CTL_ROWS_H

#include "ctl.h"

/* Adds a row of TABLE with VALUES (sallyport/ipc/shown.h) to the object INTO.
 * Returns 0; -EPROTO: the row isn't valid. */
int rows_take(struct slice table, struct slice values, json_t *into);
/* Reads the rows of WHAT into the object INTO. After MS milliseconds, asks for
 * no further page. */
void rows_read(enum showable what, uint64_t ms, json_t *into);

/* attention.c: adds two arrays to STATUS: "disks", and "attention" with objects
 * of a level and a text. */
void attention_add(json_t *status);
void attention_add_numbers(json_t *list); /* a user's that the system has */
#define LEVEL_OK       "ok"
#define LEVEL_WARNING  "warning"
#define LEVEL_CRITICAL "critical"
/* Adds such an object to LIST. */
void attend(json_t *list, const char *level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
