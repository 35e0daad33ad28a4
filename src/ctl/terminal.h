/* A line from a terminal. In every case the terminal's settings are
 * restored. */
#ifndef CTL_TERMINAL_H
#define CTL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* Opens /dev/tty. Returns the descriptor, which the caller closes, or
 * -errno. */
int terminal_open(void);
/* Prints the prompt, and reads a line without its end for at most five minutes.
 * Returns its length, or -EINTR (a signal came; it is delivered once the
 * terminal is restored), -ETIMEDOUT, -ENAMETOOLONG, -ENODATA or another
 * -errno. */
int terminal_line(int tty, const char *prompt, bool echo, char *out,
                  size_t size);
/* Asks on /dev/tty. Returns 1 for "y" or "yes", 0 for another answer, and -1 if
 * nobody can be asked or nobody answered. */
int terminal_confirm(const char *question);

#endif
