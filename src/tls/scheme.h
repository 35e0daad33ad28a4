/* The signature schemes of TLS that are taken, for both sides of a signature:
 * one row each. */
#ifndef TLS_SCHEME_H
#define TLS_SCHEME_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

enum scheme_padding { PADDING_NONE, PADDING_PKCS1, PADDING_PSS };

struct scheme {
    uint16_t code;      /* RFC 8446 4.2.3 */
    const char *key;    /* OpenSSL's name of the key's type */
    const char *digest; /* NULL: the scheme has its own */
    enum scheme_padding padding;
    bool in_13; /* TLS 1.3 signs with it */
};

/* NULL: not one of them. */
const struct scheme *scheme_find(uint16_t code);
/* The same by its parts; DIGEST may be any name of the digest that OpenSSL
 * knows, "" or NULL for none. */
const struct scheme *scheme_of(const char *key, const char *digest,
                               enum scheme_padding padding);

/* One of TLS 1.3's for a key of this type, or NULL. */
const struct scheme *scheme_for(const EVP_PKEY *key);
/* Of a signature or verification that has been begun. */
bool scheme_set_padding(const struct scheme *s, EVP_PKEY_CTX *ctx);

#endif
