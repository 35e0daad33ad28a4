/* A line from a terminal, which is as it was before at any end. */
#ifndef CTL_TERMINAL_H
#define CTL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* /dev/tty, or -errno. */
int terminal_open(void);
/* Prompts and reads a line without its end, with or without echo, for at most
 * five minutes. Its length, or -EINTR (a signal came; it is delivered once the
 * terminal is restored), -ETIMEDOUT, -ENAMETOOLONG, -ENODATA, -errno. */
int terminal_line(int tty, const char *prompt, bool echo, char *out,
                  size_t size);

#endif
