/* The running server's state, as JSON. */
#ifndef CTL_ROWS_H
#define CTL_ROWS_H

#include "ctl.h"

/* Asks the server to show WHAT from PLACE on, and waits for the first answer.
 * EX_PROTOCOL: the server is of another build. */
void server_ask(enum showable what, uint64_t place, struct message *answer);

/* Adds a row of TABLE with these VALUES to INTO, an object
 * (sallyport/ipc/shown.h). Returns 0 or -EPROTO. */
int rows_take(struct slice table, struct slice values, json_t *into);
/* Reads all rows of WHAT into INTO, an object. After MS it asks for no further
 * page. */
void rows_read(enum showable what, uint64_t ms, json_t *into);

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
