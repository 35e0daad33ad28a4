/* Makes foreign text harmless for a terminal or a log. */
#ifndef SALLYPORT_BASE_HARMLESS_H
#define SALLYPORT_BASE_HARMLESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/slice.h"

/* Returns how many bytes the well-formed character at AT has; 0: there is none.
 */
size_t utf8_length(struct slice s, size_t at);
/* Returns the length in bytes of the character at AT. 0: not well-formed UTF-8,
 * or a character that controls a terminal, ends a line, reorders text or can't
 * be seen. */
size_t harmless_length(struct slice s, size_t at);
/* Writes '?' over each byte that isn't harmless. */
void harmless_make(char *text, size_t len);

#endif
