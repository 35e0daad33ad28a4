/* Questions on the terminal, with or without an echo. */
#ifndef SALLYPORT_BASE_PROMPT_H
#define SALLYPORT_BASE_PROMPT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prompt {
    const char *text; /* printed unchanged */
    bool echo;
    uint64_t ms; /* how long to wait for the answer; UINT64_MAX: for ever */
    /* Another thread or a signal handler can set *stop, which ends the
     * question. NULL: there is no such flag. */
    const volatile sig_atomic_t *stop;
};

/* Opens the terminal of this process. Returns the descriptor, or -errno. */
int prompt_open(void);

/* Asks a question. Any thread can call it, but only one at a time. OUT gets the
 * line without its end; the caller wipes it. Discards bytes that were typed
 * before the question. Always restores the terminal: a signal that would end or
 * stop the program takes effect afterwards. Returns the length; -EINTR: such a
 * signal came, or *stop was set; -ETIMEDOUT; -ENODATA: the end of the input;
 * -ENAMETOOLONG: the whole line was read, and doesn't fit; -ENOTTY or another
 * -errno. */
int prompt_ask(int tty, const struct prompt *q, char *out, size_t size);

#endif
