/* The output of --json: one object per line on standard output. */
#ifndef CLIENT_EVENT_H
#define CLIENT_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "fail.h"

/* From now on, do the objects go to standard error, since standard output gets
 * a file? */
void event_aside(bool aside);
/* Prints and frees OBJECT. Bytes that aren't UTF-8 become \xHH. */
void event_print(json_t *object);
/* Makes a JSON string of a text from outside, whatever its bytes are. */
json_t *event_text(const char *text);

void event_progress(const char *verb, const char *name, uint64_t done,
                    uint64_t total);
void event_end(const char *verb, const char *name, const char *as,
               uint64_t bytes, uint64_t first, bool checked,
               const struct failure *why);
void event_note(const char *text);
void event_error(const char *what, const struct failure *why);

#endif
