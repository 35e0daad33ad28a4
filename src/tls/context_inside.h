/* What a context is made of: for context.c and its parts, and secure.c. */
#ifndef TLS_CONTEXT_INSIDE_H
#define TLS_CONTEXT_INSIDE_H

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "sallyport/tls/context.h"

struct tls_context {
    SSL_CTX *ssl;
    BIO_METHOD *bio; /* of the streams */
};

/* Versions, suites, what is refused: 0 or -EINVAL (OpenSSL can't do it). */
int policy_set(SSL_CTX *ssl);

/* Chain and key from their descriptors into SSL: 0 or -EINVAL. */
struct pem_files {
    int certificate_fd, key_fd;
    const char *certificate, *key; /* names */
};
int pem_load(SSL_CTX *ssl, const struct pem_files *files, struct complaint *c);

/* A handshake with itself in each version: 0 or -EINVAL. */
int warm_up(SSL_CTX *ssl, const char *certificate, struct complaint *c);

/* An error of OpenSSL's queue in its words. */
const char *tls_error(unsigned long error);

#endif
