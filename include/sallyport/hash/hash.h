/* Password hashes by crypt(3), libxcrypt. */
#ifndef SALLYPORT_HASH_HASH_H
#define SALLYPORT_HASH_HASH_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/random.h"
#include "sallyport/domain/limits.h"

#define HASH_MAX (USER_HASH_MAX + 1)
/* The longest password that crypt(3) takes. A longer one never matches. */
#define HASH_PASSWORD_MAX 511

/* Makes a new yescrypt hash of the password, "$y$…". Returns 0 or -errno. */
int hash_make(const struct secret *password, char out[HASH_MAX]);
/* Does PASSWORD have HASH? The time depends on the hash alone, not on the
 * password. Returns false also for a hash that crypt(3) refuses, and at once
 * for a password over HASH_PASSWORD_MAX. */
bool hash_verify(const struct secret *password, const char *hash);
/* Does the work of a verification for a user that doesn't exist, and returns
 * false. LIKE is the hash of a real user, so that kind and cost are the same,
 * or NULL. */
bool hash_verify_nobody(const struct secret *password, const char *like);

#endif
