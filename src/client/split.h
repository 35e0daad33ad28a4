/* Splits lines of the shell into words. */
#ifndef CLIENT_SPLIT_H
#define CLIENT_SPLIT_H

/* Cuts LINE, in place, into at most MAX words. Blanks separate them, '...' and
 * "..." enclose them, and \ makes the next byte literal. Returns their number,
 * or -EINVAL: a quote isn't closed; -E2BIG. */
int split_line(char *line, char **word, int max);

#endif
