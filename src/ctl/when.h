/* Times, for people and programs. */
#ifndef CTL_WHEN_H
#define CTL_WHEN_H

#include <stdint.h>

#define WHEN_MAX 32

/* Writes "2026-11-20T07:42:01Z" for seconds since 1970. Returns OUT. */
const char *when_text(int64_t seconds, char out[WHEN_MAX]);
/* Writes how long ago that is, rounded down: "3 d", "5 h", "12 min", "40 s".
 * Returns OUT. */
const char *when_ago(int64_t seconds, int64_t now, char out[WHEN_MAX]);

#endif
