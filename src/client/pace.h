/* --limit-rate: all links of the program together keep to one rate, also with
 * many small files. */
#ifndef CLIENT_PACE_H
#define CLIENT_PACE_H

#include <stddef.h>
#include <stdint.h>

/* Waits as long as BYTES take at RATE bytes a second, after the bytes of the
 * other links. Ctrl-C ends the wait. RATE 0: no limit. */
void pace_keep(uint64_t rate, size_t bytes);
/* Returns how many of LEN bytes to give at once, so that they flow evenly. */
size_t pace_piece(uint64_t rate, size_t len);

#endif
