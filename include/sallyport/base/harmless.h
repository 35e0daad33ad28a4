/* Text of others, for a terminal or a log. */
#ifndef SALLYPORT_BASE_HARMLESS_H
#define SALLYPORT_BASE_HARMLESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/slice.h"

/* How many bytes the character at AT has. 0: it is no well-formed UTF-8, a
 * control character, or one that ends a line or shows the rest of it in another
 * order. */
size_t harmless_length(struct slice s, size_t at);
/* Writes '?' over each byte of what isn't harmless. */
void harmless_make(char *text, size_t len);

#endif
