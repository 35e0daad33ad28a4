/* Names here and on the server: what happens if one is taken, and patterns. */
#ifndef CLIENT_NAMES_H
#define CLIENT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "options.h"

/* Writes "new-NAME" for I = 1, then "new-2-NAME"; the directories before it
 * don't change. Returns 0 or -ENAMETOOLONG. */
int names_new(const char *path, unsigned i, char *out, size_t size);

/* Takes the name on the server for an upload of this command, in any thread.
 * Returns false: another one has it. */
bool names_take(const char *remote);
void names_release(void);
/* A command begins: answers for all files of the last one are forgotten. */
void names_begin(void);
/* Is there a terminal for questions? */
bool names_can_ask(const struct options *o);
/* Decides about NAME, which is taken WHERE ("here" or "on the server"). It
 * asks, if that is the choice and there is a terminal. */
enum conflict_choice names_decide(const struct options *o, const char *name,
                                  const char *where);

/* Does PATTERN match the whole of NAME? "*" matches no dot at the beginning. */
bool names_match(const char *pattern, const char *name);

#endif
