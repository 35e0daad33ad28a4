/* Reads and checks the log of a server under test. */
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
/* Has the log another size than *SEEN (0 at first)? *SEEN becomes its size. So
 * a wait reads the log only when it has changed. */
bool server_log_grows(const struct server *s, off_t *seen);
/* server_log_count() counts the lines that MATCH accepts. server_log_await()
 * waits until there are ENOUGH of them, and returns false if they don't come in
 * time. */
typedef bool server_log_match(struct slice line, void *of);
unsigned server_log_count(const struct server *s, server_log_match *match,
                          void *of);
bool server_log_await(const struct server *s, unsigned enough,
                      server_log_match *match, void *of);
/* Waits for a line with all of the words (NULL ends them). */
void server_log_wait(const struct server *s, const char *word, ...)
    __attribute__((sentinel));
/* Waits until there are COUNT such lines, and fails the test if there are more
 * or fewer. */
void server_log_expect(const struct server *s, unsigned count, const char *word,
                       ...) __attribute__((sentinel));
/* Fails the test if the log has a sanitizer's report. Unless the plan has
 * .troubles, also fails it if a process has died, or a system call or a message
 * was refused. */
void server_log_check(const struct server *s);

#endif
