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
/* Waits until the screen has AFTER (NULL: anything) and its last line is the
 * prompt of a session. */
void terminal_wait_prompt(struct terminal *t, const char *after);
/* Types LINE at the prompt of a session, and waits for the next prompt. */
void terminal_command(struct terminal *t, const char *line);
/* Waits for the prompt of a session, types TEXT and Tab, waits until the line
 * is COMPLETED, and enters it. A Tab before the prompt would complete nothing.
 * Call it after terminal_command(), or after an expected output of the last
 * line, so that no earlier prompt is taken for this one. */
void terminal_complete(struct terminal *t, const char *text,
                       const char *completed);
/* Waits until the screen has WANTED and not UNWANTED; NULL: not checked. */
void terminal_expect(struct terminal *t, const char *wanted,
                     const char *unwanted);
/* Does the screen fulfil it now? For wait_until(). LAST gets the screen. */
bool terminal_shows(void *of);

#endif
