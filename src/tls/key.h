/* Reads a private key, and says which keys are accepted. */
#ifndef TLS_KEY_H
#define TLS_KEY_H

#include <openssl/evp.h>

#include "sallyport/base/complain.h"
#include "sallyport/domain/limits.h"

/* Reads a key without a passphrase from PEM; FD stays the caller's. Returns
 * NULL with the complaint about NAME. The caller frees the key. */
EVP_PKEY *key_read(int fd, const char *name, struct complaint *c);

/* Is KEY (NULL: unreadable) of an accepted kind and strength? Returns 0, or
 * -EINVAL with the complaint about NAME. */
int key_check(EVP_PKEY *key, const char *name, struct complaint *c);

#endif
