/* Progress: bars on a terminal, lines elsewhere, JSON for programs. Any thread
 * may call these functions. */
#ifndef CLIENT_PROGRESS_H
#define CLIENT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "fail.h"

#define PROGRESS_ROWS 16
#define PROGRESS_NAME 256

enum progress_style {
    PROGRESS_QUIET, /* errors only */
    PROGRESS_LINES,
    PROGRESS_BARS,
    PROGRESS_JSON,
};

/* One transfer under way. */
struct progress_row {
    bool used;
    char name[PROGRESS_NAME]; /* safe for a terminal */
    const char *exact;        /* the caller's text, for events */
    const char *verb;         /* "get" or "put" */
    uint64_t total, first;    /* bytes; first: where the transfer was resumed */
    uint64_t done, last_done;
    uint64_t began; /* clock_ms() at its begin */
};

void progress_start(enum progress_style style);
/* Hides the bars; the next change shows them again. */
void progress_hide(void);
/* Does the same until progress_go_on(), while a question is on the terminal. */
void progress_hold(void);
void progress_go_on(void);
void progress_stop(void);

/* Shows a transfer that begins, or begins again at FIRST. NAME must outlive
 * it. */
struct progress_row *progress_begin(const char *verb, const char *name,
                                    uint64_t total);
void progress_resume(struct progress_row *r, uint64_t first);
/* DONE bytes of the whole file have been transferred. */
void progress_moved(struct progress_row *r, uint64_t done);
/* Ends the row. WHY is NULL for a success, otherwise it is printed. CHECKED:
 * the checksums were compared. */
void progress_end(struct progress_row *r, const char *as, bool checked,
                  const struct failure *why);

/* Prints a line that isn't an error above the bars. */
void progress_note(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
/* Prints an error outside a transfer. */
void progress_error(const char *what, const struct failure *why);

#endif
