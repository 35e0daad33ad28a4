/* Passwords from the terminal or from standard input. */
#ifndef CTL_PASSWORD_H
#define CTL_PASSWORD_H

#include <stdbool.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/secret.h"

#define PASSWORD_MIN 8

/* Reads a new password: twice from /dev/tty without echo; or one line of
 * standard input, if that is no terminal. Returns an exit code. */
int password_read(struct secret *s, const char *user, struct complaint *c);
/* Reads one line of standard input, without its end. Returns an exit code; the
 * caller wipes OUT. */
int password_line(char *out, size_t size, struct complaint *c);

#endif
