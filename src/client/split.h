/* Lines of the shell into words. */
#ifndef CLIENT_SPLIT_H
#define CLIENT_SPLIT_H

/* Cuts LINE, in place, into at most MAX words: blanks part them, '...' and
 * "..." hold them together, \ takes the next byte as it is. Their number, or
 * -EINVAL: a quote isn't closed; -E2BIG. */
int split_line(char *line, char **word, int max);

#endif
