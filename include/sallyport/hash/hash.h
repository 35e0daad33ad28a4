/* Password hashes by crypt(3), libxcrypt. */
#ifndef SALLYPORT_HASH_HASH_H
#define SALLYPORT_HASH_HASH_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/random.h"
#include "sallyport/base/slice.h"
#include "sallyport/domain/limits.h"
#include "sallyport/domain/outcome.h"

#define HASH_MAX (USER_HASH_MAX + 1)
/* The longest password that crypt(3) takes. A longer password never matches. */
#define HASH_PASSWORD_MAX 511
/* A SHA hash with more rounds than passlib makes by default accepts no longer
 * password. */
#define HASH_SLOW_ROUNDS       656000
#define HASH_SLOW_PASSWORD_MAX 64

#define HASH_PASSWORD_MIN 8

/* Can TEXT be a new password? Returns PASSWORD_OK, _SHORT, _LONG or _BYTES. */
enum password_fault hash_password_fault(struct slice text);
/* Makes a new yescrypt hash of the password, "$y$…", with this cost (the
 * setting hash_cost). Returns 0 or -errno. */
int hash_make(const struct secret *password, uint64_t cost, char out[HASH_MAX]);
/* Is HASH weaker than a hash of hash_make() with this cost? A scrypt hash, a
 * bcrypt hash with a cost from 13 on, and a yescrypt hash with parameters that
 * crypt_gensalt(3) doesn't make aren't weaker. A hash of another kind is. */
bool hash_is_weaker(const char *hash, uint64_t cost);
enum hash_answer {
    HASH_WRONG,
    HASH_RIGHT,
    HASH_FAILED, /* crypt(3) computed nothing: memory was short, or crypt(3)
                    doesn't know the parameters; crypt(3) doesn't say which */
};
/* Does PASSWORD have HASH? The time depends on the hash and, for SHA, on the
 * password's length: 511 bytes take seven times as long as 10. A password over
 * HASH_PASSWORD_MAX or HASH_SLOW_PASSWORD_MAX is wrong at once. */
enum hash_answer hash_verify(const struct secret *password, const char *hash);
/* Computes a hash although no user has the given name, so that this takes as
 * long as a verification. Returns HASH_WRONG or HASH_FAILED. LIKE is a real
 * user's hash: the computed hash has the same kind and cost, so that the call
 * fails for the same reasons. If LIKE is NULL, the hash has the default cost.
 */
enum hash_answer hash_verify_nobody(const struct secret *password,
                                    const char *like);

#endif
