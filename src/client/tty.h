/* Questions on the terminal. */
#ifndef CLIENT_TTY_H
#define CLIENT_TTY_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/secret.h"

/* Asks without an echo. Returns 0; -ENOTTY; -EINTR; -EINVAL for an unusable
 * answer. */
int tty_secret(const char *prompt, struct secret *ret);
/* Asks for one line, with an echo; OUT gets it without its end. Returns 0;
 * -ENOTTY; -EINTR. */
int tty_line(const char *prompt, char *out, size_t size);
/* Can somebody answer: are standard input and standard error a terminal? */
bool tty_there(void);

#endif
