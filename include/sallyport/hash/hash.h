/* Password hashes by crypt(3), libxcrypt. */
#ifndef SALLYPORT_HASH_HASH_H
#define SALLYPORT_HASH_HASH_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/secret.h"

#define HASH_MAX 384
/* The longest password that crypt(3) takes; a longer one is never right. */
#define HASH_PASSWORD_MAX 511

/* A new yescrypt hash of the password, "$y$…". 0 or -errno */
int hash_make(const struct secret *password, char out[HASH_MAX]);
/* Constant work for a given kind of hash; false for one that crypt(3) refuses.
 */
bool hash_verify(const struct secret *password, const char *hash);
/* The work of a verification, for a user who isn't there; always false. Pass
 * the hash of some real user so that kind and cost agree, or NULL. */
bool hash_verify_nobody(const struct secret *password, const char *like);

#endif
