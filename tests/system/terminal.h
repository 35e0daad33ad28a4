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

/* Opens a terminal of 100 columns that runs COMMAND. Its socket is in the
 * directory DIR; sets $SCREEN to the socket's path. */
void terminal_open(struct terminal *t, const char *dir, const char *command);
void terminal_close(struct terminal *t);
/* Runs a command of tmux. */
void terminal_do(struct terminal *t, char *const words[]);
#define TMUX(t, ...) terminal_do(t, (char *const[]){ __VA_ARGS__, NULL })
void terminal_type(struct terminal *t, const char *line);
/* Waits until the screen has WANTED so many TIMES (0: once or more), and
 * doesn't have UNWANTED. Ignores a text that is NULL. With PROMPT the screen's
 * last line must be the prompt of a session. */
struct terminal_sight {
    const char *wanted, *unwanted;
    size_t times;
    bool none; /* the screen must not have WANTED */
    bool prompt;
};
void terminal_see(struct terminal *t, struct terminal_sight sight);

#endif
