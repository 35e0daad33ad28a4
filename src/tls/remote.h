/* Stand-ins for private keys of another process. They come from an OpenSSL
 * provider inside this program: remote_key.c has its key management,
 * remote_sign.c its signatures. */
#ifndef TLS_REMOTE_H
#define TLS_REMOTE_H

#include <openssl/core.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdint.h>

#include "sallyport/domain/sign.h"

#define REMOTE_PROVIDER "sallyport"

/* Loads the provider. Free it with OSSL_PROVIDER_unload() after the last key.
 * NULL: OpenSSL's queue has the error. */
OSSL_PROVIDER *remote_load(void);

/* Makes a key with PUBLIC's public half that claims to be private; SIGNER,
 * which must outlive it, makes its signatures. NULL: OpenSSL's queue has the
 * error. */
EVP_PKEY *remote_key_new(EVP_PKEY *public, const struct signer *signer,
                         uint64_t number);

/* The provider's own form of a key. */
struct remote_key {
    EVP_PKEY *public;            /* a key of OpenSSL's default provider */
    const struct signer *signer; /* NULL: a public key only, to compare with */
    uint64_t number;
};

/* The provider's dispatch tables. */
extern const OSSL_DISPATCH remote_rsa_key[], remote_ec_key[],
    remote_ed25519_key[], remote_signature[];

#endif
