/* One line of the server's log, as text or as JSON. Every byte is hostile. */
#ifndef CTL_LOG_H
#define CTL_LOG_H

#include "ctl.h"

#define LOG_LINE_MAX   65536 /* far longer than a line that log writes */
#define LOG_FIELDS_MAX 32

/* A value is as the log has it: \xNN for some bytes. A hostile file may have
 * other bytes too, so log_safe() writes it. */
struct log_field {
    struct slice name, value;
};

struct log_record {
    int64_t ms; /* since 1970 */
    struct slice event;
    struct log_field field[LOG_FIELDS_MAX];
    size_t fields;
    char number[LOG_FIELDS_MAX][24]; /* values of numbers in JSON */
    json_t *json;                    /* has the values of a line of JSON */
};

enum log_line {
    LOG_LINE_EVENT,
    LOG_LINE_OTHER, /* not of the process log: empty, or "sallyportd: …" */
    LOG_LINE_TORN,
};

/* Reads a line. The slices are in LINE. In any case the caller calls
 * log_record_release(). */
enum log_line log_record_read(struct log_record *r, struct slice line);
void log_record_release(struct log_record *r);
/* Returns the value of a field; ptr NULL: there is none. */
struct slice log_get(const struct log_record *r, const char *name);
/* The same for a number; 0 if there is none. */
uint64_t log_number(const struct log_record *r, const char *name);
/* Is it about something that failed or was refused? */
bool log_failed(const struct log_record *r);
/* Returns the word for an action, such as "upload"; or the event's name. */
struct slice log_word(const struct log_record *r);
/* Is its event, or its word, in LIST, which has commas? */
bool log_is_among(const struct log_record *r, struct slice list);
/* Fails if one of LIST can't be an event or a word. */
void log_names_check(struct slice list);
/* Why it failed: its reason, or words for its result. */
struct slice log_cause(const struct log_record *r);
/* The client's address without its port, and without the brackets of IPv6. A
 * banned address or network has neither. */
struct slice log_address(const struct log_record *r);
/* Writes a value, with \xNN for each byte that isn't printable. */
void log_safe(struct slice value, struct buf *into);
#define ADMIN_MAX 64
/* Writes the name of the administrator who logged in, as this machine knows it.
 * Returns false if it isn't known. */
bool log_admin(const struct log_record *r, char out[ADMIN_MAX]);
/* Describes the record as its line in JSON, with what the table shows of it.
 * MACHINE may be empty. The caller owns the object. */
json_t *log_json(const struct log_record *r, struct slice machine);
/* log_row.c: writes the line of the table. MACHINE: NULL without that column.
 */
void log_row(const struct log_record *r, const struct slice *machine,
             struct buf *row);
void log_title(bool machine);

/* The program that reads the journal. Tests replace it. */
extern const char *log_journalctl;

#endif
