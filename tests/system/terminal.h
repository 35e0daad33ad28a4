/* A real terminal (tmux) at a desk. */
#ifndef TESTS_SYSTEM_TERMINAL_H
#define TESTS_SYSTEM_TERMINAL_H

#include "desk.h"

struct terminal {
    struct desk desk;
    char socket[SERVER_PATH_MAX + 16];
    const char *
        wanted; /* a text that should appear; NULL: the terminal should close */
    const char *unwanted;
    char last[16384];
};

/* Opens a terminal of 100 columns that runs COMMAND, at a desk that has
 * begun. */
void terminal_open(struct terminal *t, const char *command);
void terminal_end(struct terminal *t);
/* Runs a command of tmux. */
void terminal_do(struct terminal *t, char *const words[]);
#define TMUX(t, ...) terminal_do(t, (char *const[]){ __VA_ARGS__, NULL })
void terminal_type(struct terminal *t, const char *line);
/* Waits until the screen has WANTED and not UNWANTED; NULL: not checked. */
void terminal_expect(struct terminal *t, const char *wanted,
                     const char *unwanted);
/* Does the screen fulfil it now? For wait_until(). LAST gets the screen. */
bool terminal_shows(void *of);

#endif
