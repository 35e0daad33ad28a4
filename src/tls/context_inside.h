/* What a context is made of: for context.c and its parts, and secure.c. */
#ifndef TLS_CONTEXT_INSIDE_H
#define TLS_CONTEXT_INSIDE_H

#include <openssl/bio.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>

#include "sallyport/tls/context.h"

struct tls_context {
    SSL_CTX *ssl;
    BIO_METHOD *bio;         /* of the streams */
    OSSL_PROVIDER *provider; /* of the keys that stand in for others */
    struct signer signer;    /* they point to it */
};

/* Versions, suites, what is refused: 0 or -EINVAL (OpenSSL can't do it). */
int policy_set(SSL_CTX *ssl);

/* The chain into the context, with a key that asks its signer, which is put to
 * the proof: 0 or -EINVAL. */
int pem_load(struct tls_context *t, const struct tls_pair *pair,
             struct complaint *c);

/* Does the signer have the private half of PUBLIC? 0 or -EINVAL. */
int probe_key(EVP_PKEY *public, const struct signer *signer,
              const struct tls_pair *pair, struct complaint *c);

/* A handshake with itself in each version: 0 or -EINVAL. */
int warm_up(SSL_CTX *ssl, const char *certificate, struct complaint *c);

/* An error of OpenSSL's queue in its words. */
const char *tls_error(unsigned long error);

#endif
