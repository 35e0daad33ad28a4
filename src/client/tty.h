/* Questions on the terminal. */
#ifndef CLIENT_TTY_H
#define CLIENT_TTY_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/secret.h"

/* Without an echo. 0; -ENOTTY; -EINTR, -EINVAL for an answer that is none. */
int tty_secret(const char *prompt, struct secret *ret);
/* One line with an echo, without its end. 0; -ENOTTY; -EINTR. */
int tty_line(const char *prompt, char *out, size_t size);
/* Is there somebody to ask: standard input and error are a terminal? */
bool tty_there(void);

#endif
