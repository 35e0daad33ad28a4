/* Names on both sides: what is chosen when one is taken, and patterns. */
#ifndef CLIENT_NAMES_H
#define CLIENT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "options.h"

/* "new-NAME" for I = 1, then "new-2-NAME"; directories before it stay. 0 or
 * -ENAMETOOLONG. */
int names_new(const char *path, unsigned i, char *out, size_t size);

/* What to do about NAME, which is taken WHERE ("here" or "on the server"):
 * asks, if that is the choice and there is a terminal. */
enum conflict_choice names_decide(const struct options *o, const char *name,
                                  const char *where);

/* Has NAME any of * ? [ ? */
bool names_is_pattern(const char *name);
/* PATTERN against the whole of NAME; "*" takes no dot at the beginning. */
bool names_match(const char *pattern, const char *name);

#endif
