/* Turns lines of the server's log into JSON. Every byte of a line can be
 * hostile. */
#ifndef CTL_LOG_H
#define CTL_LOG_H

#include "ctl.h"

/* Reads a line into an object with a member for each field. Returns the object,
 * which the caller owns; NULL: the line isn't an event. *message becomes true
 * if the line is empty, or a message that a program prints beside the
 * events. */
json_t *log_read(struct slice line, bool *message);
/* Returns the word for the record's action, such as "upload"; if there is no
 * such word, the name of its event. */
const char *log_what(const json_t *one);
bool log_has_failed(const json_t *one);
/* Adds the members "what", "failed", "cause" and "admin", which explain the
 * fields. Asks NSS for a name, so call it only for records that are shown. */
void log_explain(json_t *one);
/* Reads the time of a record into *ret, in seconds since 1970. Returns false if
 * TEXT isn't such a time. */
bool log_time(const char *text, int64_t *ret);
/* Fails unless each name in LIST is an event, or a word for an action, such as
 * "upload". Commas separate the names. */
void log_names_check(struct slice list);
/* Returns the client's address without the port, and without the brackets of
 * IPv6. A banned address or network has neither port nor brackets. */
struct slice log_address(const json_t *record);
/* log_row.c: the columns of the table. The last row has no key. */
extern const struct output_field log_columns[];

/* The program that reads the journal. Tests replace it. */
extern const char *log_journalctl;

#endif
