/* A real terminal (tmux). */
#ifndef TESTS_SYSTEM_TERMINAL_H
#define TESTS_SYSTEM_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "support/server.h"

struct terminal {
    char socket[SERVER_PATH_MAX + 16]; /* "": it isn't open */
    char last[16384];
};

/* Opens a terminal of 100 columns that runs COMMAND; its socket is in the
 * directory DIR, and $SCREEN is its path. */
void terminal_open(struct terminal *t, const char *dir, const char *command);
void terminal_close(struct terminal *t);
/* Runs a command of tmux. */
void terminal_do(struct terminal *t, char *const words[]);
#define TMUX(t, ...) terminal_do(t, (char *const[]){ __VA_ARGS__, NULL })
void terminal_type(struct terminal *t, const char *line);
/* Waits until the screen has WANTED, so many TIMES (0: once or more; NULL: not
 * at all), and not UNWANTED, unless that is NULL. With PROMPT its last line
 * must be the prompt of a session. */
struct terminal_sight {
    const char *wanted, *unwanted;
    size_t times;
    bool none; /* TIMES is 0, and means it */
    bool prompt;
};
void terminal_see(struct terminal *t, struct terminal_sight sight);

#endif
