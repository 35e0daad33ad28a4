/* What the process keys does with a private key: it signs TLS handshakes. */
#ifndef SALLYPORT_TLS_SIGN_H
#define SALLYPORT_TLS_SIGN_H

#include <stdbool.h>

#include "sallyport/base/complaint.h"
#include "sallyport/domain/sign.h"

/* A private key, in keys. */
struct sign_key;
/* From PEM; FD stays the caller's, NAME is for the complaint: unreadable, under
 * a passphrase, of a kind or strength that isn't taken. Wiped by the free. */
struct sign_key *sign_key_new(int fd, const char *name, struct complaint *c);
void sign_key_free(struct sign_key *k); /* NULL is fine */

/* Is it what a TLS server signs, and nothing else? TLS 1.3: 64 spaces, the
 * server's context and a hash; TLS 1.2: both randoms and the parameters of an
 * ECDHE exchange on a named curve. */
bool sign_is_handshake(const struct sign_request *r);

/* 0; -EPERM: not a handshake; -EINVAL: not a scheme of this key; -EIO:
 * OpenSSL failed. */
int sign_make(const struct sign_key *k, const struct sign_request *r,
              struct sign_result *ret);

#endif
