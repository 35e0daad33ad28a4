/* Splits lines of the shell into words. */
#ifndef CLIENT_SPLIT_H
#define CLIENT_SPLIT_H

#include "url.h"

/* Cuts LINE, in place, into at most MAX words. Blanks separate them, '...' and
 * "..." enclose them, and \ makes the next byte literal. Returns their number,
 * or -EINVAL: a quote isn't closed; -E2BIG. */
int split_line(char *line, char **word, int max);

/* Reads the word that begins at TYPED, a line as split_line() cuts it, as a
 * path: a character that is quoted or after \ is no pattern. */
void split_pattern(const char *typed, struct url_pattern *ret);

#endif
