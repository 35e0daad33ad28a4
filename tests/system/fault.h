/* After a fault there must be no file under the final name, and one event with
 * the cause; and the server must accept the same upload again. */
#ifndef TESTS_SYSTEM_FAULT_H
#define TESTS_SYSTEM_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/session.h"

#define FAULT_KIB (1024u)
#define FAULT_MIB (1024u * 1024)

/* Makes the same bytes for the same length; the caller frees them. */
unsigned char *fault_noise(size_t len);
/* Makes a sparse file of SIZE zeros in the user's home. */
void fault_make_sparse(const struct server *s, const char *user,
                       const char *name, uint64_t size);
/* Writes the bytes. Stops without an error if the server closes the
 * connection. */
void fault_write(struct data *d, const void *bytes, size_t len);

bool fault_is_whole(const struct server *s, const char *user, const char *name,
                    const void *bytes, size_t len);
void fault_expect_whole(const struct server *s, const char *user,
                        const char *name, const void *bytes, size_t len);
void fault_expect_absent(const struct server *s, const char *user,
                         const char *name);
/* Waits until a partial of the user has at least LEN bytes. */
void fault_wait_partial(const struct server *s, const char *user, size_t len);
unsigned fault_count_partials(const struct server *s, const char *user);

/* Stores NAME again, and expects the whole file. */
void fault_retry(struct session *s, const struct server *server,
                 const char *user, const char *name, const void *bytes,
                 size_t len);
/* Call after fault_retry(), so that the log has all earlier events. Expects
 * exactly one event of a failed transfer of NAME, with RESULT (-1: any) and
 * REASON. */
void fault_expect_event(const struct server *s, const char *user,
                        const char *name, int result, const char *reason);
/* Expects that the session ends without a 226. */
void fault_expect_no_226(struct session *s);

/* Returns the pid of the process of this kind that serves the user. The user
 * must have only one session. */
int fault_process(const struct server *s, const char *user, const char *kind);
/* Waits until no process serves the user. */
void fault_wait_gone(const struct server *s, const char *user);

#endif
