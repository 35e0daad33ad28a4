/* JSON output, for all commands with --json. */
#ifndef CTL_JSON_H
#define CTL_JSON_H

#include <jansson.h>
#include <stdint.h>

struct context;

/* JSON is UTF-8: other bytes of TEXT become '?'. The caller owns the value;
 * NULL: no memory. */
json_t *json_text(const char *text);
/* A time in seconds since 1970 as text; null for 0. Ownership as above. */
json_t *json_time(int64_t seconds);
/* Prints VALUE and a line end, and frees it. VALUE NULL means no memory.
 * Returns an exit code. */
int json_write(struct context *x, json_t *value);

#endif
