/* Keys that stand in for private keys of another process: an OpenSSL provider
 * inside this program, with its key management (remote_key.c) and its
 * signatures (remote_sign.c). */
#ifndef TLS_REMOTE_H
#define TLS_REMOTE_H

#include <openssl/core.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdint.h>

#include "sallyport/domain/sign.h"

#define REMOTE_PROVIDER "sallyport"

/* The provider, loaded once more; OSSL_PROVIDER_unload() it when the keys are
 * freed. NULL: OpenSSL's error is in its queue. */
OSSL_PROVIDER *remote_load(void);

/* A key that says it is private, whose public half is that of PUBLIC, and whose
 * signatures SIGNER makes; it must outlive the key. NULL: OpenSSL's error is in
 * its queue. */
EVP_PKEY *remote_key_new(EVP_PKEY *public, const struct signer *signer,
                         uint64_t number);

/* What the provider's key is, inside. */
struct remote_key {
    EVP_PKEY *public;            /* of OpenSSL's own provider */
    const struct signer *signer; /* NULL: only a public key to compare with */
    uint64_t number;
};

/* The dispatch tables. */
extern const OSSL_DISPATCH remote_rsa_key[], remote_ec_key[],
    remote_ed25519_key[], remote_signature[];

#endif
