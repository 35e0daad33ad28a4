/* A password or an answer from the person at the terminal. */
#ifndef CTL_PASSWORD_H
#define CTL_PASSWORD_H

#include <stdbool.h>

#include "sallyport/base/complaint.h"
#include "sallyport/base/secret.h"

#define PASSWORD_MIN 8

/* Twice on /dev/tty without echo; or, when standard input is no terminal, one
 * line of it. An exit code. */
int password_read(struct secret *s, const char *user, struct complaint *c);
/* One line of standard input, a terminal or not, without its end. An exit code;
 * the caller wipes OUT. */
int password_line(char *out, size_t size, struct complaint *c);
/* One line on /dev/tty: 1 for "y" or "yes", 0 for another answer, -1 where
 * nobody can be asked, or didn't answer. */
int terminal_confirm(const char *question);

#endif
