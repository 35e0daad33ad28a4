/* Private keys, with which the process keys signs TLS handshakes and nothing
 * else. */
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

/* Does a TLS server sign such a message? In TLS 1.3 it is 64 spaces, the
 * server's context string and a hash. In TLS 1.2 it is both randoms and the
 * parameters of an ECDHE exchange on a named curve. False for anything else. */
bool sign_is_handshake(const struct sign_request *r);

/* Signs the message. Returns 0; -EPERM: the message isn't a handshake's;
 * -EINVAL: the key can't do the scheme; -EIO: OpenSSL failed. */
int sign_make(struct evp_pkey_st *k, const struct sign_request *r,
              struct sign_result *ret);

#endif
