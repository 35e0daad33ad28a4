/* What all commands with --json share. */
#ifndef CTL_JSON_H
#define CTL_JSON_H

#include <jansson.h>
#include <stdint.h>

struct context;

/* JSON is UTF-8; bytes of a text that isn't become '?'. */
json_t *json_text(const char *text);
/* A time in seconds since 1970 as text; null for 0. */
json_t *json_time(int64_t seconds);
/* To standard output, with an end of line; an exit code. Takes VALUE; NULL is
 * want of memory. */
int json_write(struct context *x, json_t *value);

#endif
