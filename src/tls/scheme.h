/* The accepted signature schemes of TLS, one row each, for both sides of a
 * signature. */
#ifndef TLS_SCHEME_H
#define TLS_SCHEME_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

enum scheme_padding { PADDING_NONE, PADDING_PKCS1, PADDING_PSS };

struct scheme {
    uint16_t code;      /* RFC 8446 4.2.3 */
    const char *key;    /* OpenSSL's name of the key type */
    const char *digest; /* NULL: the scheme has its own digest */
    enum scheme_padding padding;
    bool in_13; /* TLS 1.3 may use it */
};

/* NULL if the scheme isn't accepted. */
const struct scheme *scheme_find(uint16_t code);
/* Finds a scheme by its parts. DIGEST may be any name that OpenSSL knows for
 * the digest; "" or NULL for none. NULL if the scheme isn't accepted. */
const struct scheme *scheme_of(const char *key, const char *digest,
                               enum scheme_padding padding);

/* A TLS 1.3 scheme for a key of this type, or NULL. */
const struct scheme *scheme_for(const EVP_PKEY *key);
/* Sets the padding of a signature or verification that has been initialised.
 * False: OpenSSL's queue has the error. */
bool scheme_set_padding(const struct scheme *s, EVP_PKEY_CTX *ctx);

#endif
