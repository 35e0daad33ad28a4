/* The server's log, as "log" and "report" read it: the same records from the
 * journal, a file or a pipe. Every byte is hostile. */
#ifndef CTL_LOG_H
#define CTL_LOG_H

#include "ctl.h"

#define LOG_LINE_MAX   65536 /* far longer than a line that log writes */
#define LOG_FIELDS_MAX 32
#define LOG_CURSOR_MAX 512 /* journald's have about 160 bytes */

/* log_line.c: one line. */

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

/* Reads a line of text or of JSON. NOW is the time of a line without one; 0: it
 * needs one. The slices are in LINE. In any case the caller calls
 * log_record_release(). */
enum log_line log_record_read(struct log_record *r, struct slice line,
                              int64_t now);
void log_record_release(struct log_record *r);
/* Returns the value of a field; ptr NULL: there is none. */
struct slice log_get(const struct log_record *r, const char *name);
/* The same for a number; 0 if there is none. */
uint64_t log_number(const struct log_record *r, const char *name);
/* Is it about something that failed or was refused? */
bool log_failed(const struct log_record *r);
/* Is it an upload, or a download? */
bool log_is_upload(const struct log_record *r);
bool log_is_download(const struct log_record *r);
/* What somebody did, such as "upload"; or the event's name. */
struct slice log_word(const struct log_record *r);
/* Is its event, or its word, in LIST, which has commas? */
bool log_is_among(const struct log_record *r, struct slice list);
/* Can each of LIST be an event or a word? Returns an exit code. */
int log_names_check(struct context *x, struct slice list);
/* Why it failed: its reason, or words for its result. */
struct slice log_cause(const struct log_record *r);
/* The size of the file, as far as the log knows it. */
uint64_t log_size(const struct log_record *r);
/* Writes a value, with \xNN for each byte that isn't printable. Returns 0 or
 * -ENOBUFS. */
int log_safe(struct slice value, struct buf *into);
#define ADMIN_MAX 64
/* Writes the name of the administrator who logged in, as this machine knows it.
 * Returns false if it isn't known. */
bool log_admin(const struct log_record *r, char out[ADMIN_MAX]);
/* Describes the record as its line in JSON. The caller owns the object; NULL:
 * no memory. */
json_t *log_json(const struct log_record *r);

/* log_read.c: a whole log. */

struct log_reader {
    struct context *x;
    FILE *from;
    pid_t journal;        /* journalctl; 0: a file */
    bool reverse;         /* of the journal: the newest record first */
    bool follows;         /* log_follow() */
    bool stopped;         /* log_stop() */
    int64_t since, until; /* ms since 1970: records from, and before */
    struct buf path;      /* a part of the path, as the log would have it */
    uint64_t events, torn;
    json_t *entry;               /* of the journal, with the last line */
    char cursor[LOG_CURSOR_MAX]; /* of that entry, for --cursor; or "" */
    char match[300];             /* of the journal: whose unit */
    char line[LOG_LINE_MAX];     /* has LEN bytes of the next line */
    size_t len;
    bool too_long;
};

/* Reads the value of --since or --until: "7d", "2026-11-20", "2026-11-20
 * 08:00", "yesterday", "tuesday". END: a day means its end. Returns an exit
 * code. */
int log_when(struct context *x, const char *option, const char *text, bool end,
             int64_t *ms);
#define WINDOW_MAX 128
/* Writes the time of --since and --until, such as " in the last 24h", or "". */
void log_window(const struct arguments *a, char out[WINDOW_MAX]);
/* Opens --file, the journal, or the journals of --directory; takes --since,
 * --until and the filters. With --lines the journal is read from its end.
 * Returns an exit code. In any case the caller calls log_close(). */
int log_open(struct log_reader *l, struct context *x);
/* Reads the next record that the filters want. False: there is none. *r is
 * valid until the next call; the caller releases it. */
bool log_next(struct log_reader *l, struct log_record *r);
/* The caller needs no more of these records. */
static inline void log_stop(struct log_reader *l)
{
    l->stopped = true;
}
/* From now on log_next() waits for new records. Returns an exit code. */
int log_follow(struct log_reader *l);
/* The machine that wrote the last record; ptr NULL: unknown. Any byte may be in
 * it. Valid until the next call. */
struct slice log_machine(const struct log_reader *l);
/* Returns an exit code: could the log be read to its end? */
int log_close(struct log_reader *l);

/* The program that reads the journal. Tests replace it. */
extern const char *log_journalctl;

/* log_form.c: what "log" prints. */

/* Writes the line above the others, or nothing. */
void log_form_header(const struct arguments *a, struct buf *row);
/* Writes the line of R, with its end, in the form that the options ask for; or
 * nothing, if the form has no such lines. NAME: log_machine()'s. Returns 0, or
 * a negative number: no memory. */
int log_form(const struct arguments *a, const struct log_record *r,
             struct slice name, struct buf *row);

/* log_summary.c: the counts of a log. */

#define SUMMARY_DAYS_MAX  400
#define SUMMARY_NAMES_MAX 1000 /* counted one by one; all others together */

/* Counts what the log of the command line says; without --since, that of seven
 * days. A log of any length and content needs the same memory, and all texts in
 * it are log_safe()'s. *ret belongs to the caller; NULL after a failure.
 * Returns an exit code. */
int log_summarise(struct context *x, json_t **ret);

/* report.c: the page. NULL: that of the installation. Tests replace it. */
extern const char *report_html;

#endif
