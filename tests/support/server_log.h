/* The log of a server under test. */
#ifndef TESTS_SUPPORT_SERVER_LOG_H
#define TESTS_SUPPORT_SERVER_LOG_H

#include <stdbool.h>
#include <sys/types.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"
#include "server.h"

/* Reads the whole log so far, NUL-terminated; the caller releases INTO. */
void server_log(const struct server *s, struct buf *into);
bool server_log_has(const struct server *s, const char *text);
/* Has it another size than SEEN (at first 0)? So a wait needn't read it again
 * and again. */
bool server_log_grows(const struct server *s, off_t *seen);
/* Counts the lines that MATCH accepts, or waits until there are ENOUGH. */
typedef bool server_log_match(struct slice line, void *of);
unsigned server_log_count(const struct server *s, server_log_match *match,
                          void *of);
bool server_log_await(const struct server *s, unsigned enough,
                      server_log_match *match, void *of);
/* Waits for a line with all of the words (NULL ends them). */
void server_log_wait(const struct server *s, const char *word, ...)
    __attribute__((sentinel));
/* Waits until there are COUNT such lines, and fails if there are more. */
void server_log_expect(const struct server *s, unsigned count, const char *word,
                       ...) __attribute__((sentinel));
/* Fails on a sanitizer's report. Unless the plan expects them, it also fails on
 * a process that died and on a refused system call or message. */
void server_log_check(const struct server *s);

#endif
