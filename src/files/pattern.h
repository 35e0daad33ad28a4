/* Patterns for names, as NLST and LIST take them. */
#ifndef FILES_PATTERN_H
#define FILES_PATTERN_H

#include <stdbool.h>

/* Is there a '*', '?' or '[' in it? */
bool pattern_is(const char *name);
/* '*': any bytes; '?': any one byte; "[a-z]", "[!a-z]": one byte of a set; else
 * the byte itself. None of them matches a dot at the beginning. A '[' without
 * its ']' is itself. Takes O(length of PATTERN times length of NAME). */
bool pattern_matches(const char *pattern, const char *name);

#endif
