/* The lines of the server's log, as JSON. Every byte is hostile. */
#ifndef CTL_LOG_H
#define CTL_LOG_H

#include "ctl.h"

/* Reads a line into an object with a member for each field. The caller owns it.
 * NULL: it is no event; *message: it is a message that a program prints beside
 * the events. */
json_t *log_read(struct slice line, bool *message);
/* Returns the word for the action of the record, or its event. */
const char *log_what(const json_t *one);
bool log_has_failed(const json_t *one);
/* Adds members for the meaning of the fields: "what", "failed", "cause",
 * "admin". Asks NSS for a name, so it is for records that are shown. */
void log_explain(json_t *one);
/* Reads a record's time, in seconds since 1970. Returns false if it is none. */
bool log_time(const char *text, int64_t *ret);
/* Fails if one of LIST, separated by commas, can't be an event or a word for an
 * action, such as "upload". */
void log_names_check(struct slice list);
/* The client's address without its port, and without the brackets of IPv6. A
 * banned address or network has neither. */
struct slice log_address(const json_t *record);
/* log_row.c: ends with a row without a key. */
extern const struct output_field log_columns[];

/* The program that reads the journal. Tests replace it. */
extern const char *log_journalctl;

#endif
