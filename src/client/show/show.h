/* Output for people and programs: harmless text, failures, progress, JSON. */
#ifndef CLIENT_SHOW_H
#define CLIENT_SHOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHOW_MAX 1024

/* Makes text from a server, and file names, harmless for the terminal. Copies
 * TEXT to OUT; control bytes (C0, DEL, C1) and bytes that aren't UTF-8 become
 * \xHH. A text that doesn't fit ends with "...". Returns OUT. */
const char *show_text(const char *text, char *out, size_t size);

/* Writes "512 B", "1.5 KiB", "64 MiB". Returns OUT. */
#define SHOW_SIZE_MAX 16
const char *show_size(uint64_t bytes, char out[SHOW_SIZE_MAX]);

/* Writes "0:07", "12:30", "1:02:03". Returns OUT. */
#define SHOW_TIME_MAX 16
const char *show_time(uint64_t seconds, char out[SHOW_TIME_MAX]);

#define FAILURE_TEXT 1024

/* A failure, whether a retry can help, and advice. Each layer of the client
 * fills in this record and passes it up. */
struct failure {
    int code;       /* of sysexits.h; 0: nothing failed */
    bool transient; /* a retry may succeed */
    bool lost;      /* a failure of the connection, no answer about a file */
    bool full;      /* this machine's disk or quota is full */
    bool unknown;   /* nothing confirms the server's certificate */
    int reply;      /* the server's last reply, or 0 */
    char text[FAILURE_TEXT];
};

/* Fills WHY in, with a text that is safe for a terminal. Returns -1. */
int fail(struct failure *why, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Does the same for an errno: "NAME: No such file or directory". NAME may be
 * "". Returns -1. */
int fail_errno(struct failure *why, int error, const char *name);
/* Appends to the text of WHY, which stays safe for a terminal. */
void fail_add(struct failure *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Fills WHY in. CURL is a CURLcode, REPLY the server's last reply (0: none),
 * TEXT the reply's text, and DETAIL libcurl's own message. Returns -1. */
int fail_curl(struct failure *why, int curl, int reply, const char *text,
              const char *detail);

/* Progress: a line on a terminal, lines elsewhere, JSON for programs. Any
 * thread may call these functions. */

enum progress_style {
    PROGRESS_QUIET, /* errors only */
    PROGRESS_LINES,
    PROGRESS_TERMINAL,
    PROGRESS_JSON,
};

/* One transfer under way. */
struct progress_row {
    const char *name;      /* the caller's text */
    const char *verb;      /* "get" or "put"; NULL: it hasn't begun */
    uint64_t total, first; /* bytes; first: where the transfer was resumed */
    uint64_t done, last_done;
    uint64_t began; /* clock_ms() at its beginning */
};

/* Sets the style. ASIDE: standard output gets a file, so the objects of --json
 * go to standard error. */
void progress_start(enum progress_style style, bool aside);
/* Hides the line. HELD: it stays hidden, for a question on the terminal;
 * otherwise the next change shows it again. */
void progress_hold(bool held);

/* Begins the row of a transfer. NAME must stay valid until the row ends. */
void progress_begin(struct progress_row *r, const char *verb, const char *name,
                    uint64_t total);
void progress_resume(struct progress_row *r, uint64_t first);
/* Shows that DONE bytes of the whole file have been transferred. */
void progress_moved(struct progress_row *r, uint64_t done);
/* Ends the row, and prints the result. AS is the name that the file got. WHY is
 * the failure, or NULL. CHECKED: the checksums were the same. */
void progress_end(struct progress_row *r, const char *as, bool checked,
                  const struct failure *why);

/* Sets the total: FILES with BYTES in all (0: unknown). MORE: more files may
 * still be found. FILES 0: there is no total any more. */
void progress_expect(size_t files, uint64_t bytes, bool more);
/* Counts a file of SIZE bytes that needs no transfer. */
void progress_settle(uint64_t size);

/* Prints a note above the line, unless the style is PROGRESS_QUIET. */
void progress_note(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
/* Prints an error outside a transfer. */
void progress_error(const char *what, const struct failure *why);

/* The output of --json: one object per line. */
/* Prints and frees OBJECT. */
void event_print(json_t *object);
/* Makes a JSON string of a text from outside. If it isn't UTF-8, show_text()
 * makes its bytes harmless first. */
json_t *event_text(const char *text);

#endif
