/* Makes text from a server, and file names, harmless before they reach the
 * terminal; writes figures for people. */
#ifndef CLIENT_SHOW_H
#define CLIENT_SHOW_H

#include <stddef.h>
#include <stdint.h>

#define SHOW_MAX 1024

/* Copies TEXT; control bytes (C0, DEL, C1) and bytes that aren't UTF-8 become
 * \xHH. A text that doesn't fit ends with "...". Returns OUT. */
const char *show_text(const char *text, char *out, size_t size);

/* Writes "512 B", "1.5 KiB", "64 MiB". Returns OUT. */
#define SHOW_SIZE_MAX 16
const char *show_size(uint64_t bytes, char out[SHOW_SIZE_MAX]);

/* Writes "0:07", "12:30", "1:02:03". Returns OUT. */
#define SHOW_TIME_MAX 16
const char *show_time(uint64_t seconds, char out[SHOW_TIME_MAX]);

/* Returns the columns of TEXT on a terminal. Characters of Chinese, Japanese
 * and Korean take two. */
size_t show_columns(const char *text);

#endif
