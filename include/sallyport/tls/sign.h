/* Private keys. With a private key, the process keys signs TLS handshakes and
 * nothing else. */
#ifndef SALLYPORT_TLS_SIGN_H
#define SALLYPORT_TLS_SIGN_H

#include <stdbool.h>

#include "sallyport/base/complain.h"
#include "sallyport/domain/tls.h"

/* A private key: OpenSSL's EVP_PKEY. Only keys has one. */
struct evp_pkey_st;
/* Reads a key from PEM. FD stays the caller's; NAME is for the complaint.
 * Returns NULL with the complaint: the file is unreadable, a passphrase
 * protects the key, or its kind or strength isn't accepted. sign_key_free()
 * wipes it. */
struct evp_pkey_st *sign_key_new(int fd, const char *name, struct complaint *c);
void sign_key_free(struct evp_pkey_st *k); /* K may be NULL */

/* Does a TLS server sign such a message? Returns true for the message of TLS
 * 1.3 (64 spaces, the server's context string and a hash) and of TLS 1.2 (both
 * randoms, and the parameters of an ECDHE exchange on a named curve). */
bool sign_is_handshake(const struct sign_request *r);

/* Signs the message. Returns 0; -EPERM: sign_is_handshake() is false; -EINVAL:
 * the key doesn't fit the scheme; -EIO: OpenSSL failed. */
int sign_make(struct evp_pkey_st *k, const struct sign_request *r,
              struct sign_result *ret);

#endif
