/* A server's certificate and TLS policy; its key is elsewhere. */
#ifndef SALLYPORT_TLS_CONTEXT_H
#define SALLYPORT_TLS_CONTEXT_H

#include <stdint.h>

#include "sallyport/base/complaint.h"
#include "sallyport/base/sign.h"

struct tls_context;

/* A certificate chain here, its private key with the signer. */
struct tls_pair {
    int certificate_fd;      /* PEM; stays the caller's */
    const char *certificate; /* names, for complaints */
    const char *key;
    uint64_t number; /* of the key, with the signer */
};

/* TLS 1.2 and 1.3, AEAD suites with forward secrecy. SIGNER is copied, and
 * proves that it has the key. NULL with the complaint: unreadable, expired, too
 * weak, another key. Makes a handshake with itself, so that everything OpenSSL
 * loads lazily is there before a cage closes and before a fork. */
struct tls_context *tls_context_new(const struct tls_pair *pair,
                                    const struct signer *signer,
                                    struct complaint *c);
/* From now on this one signs: in a session its own channel to keys. */
void tls_context_signer(struct tls_context *t, const struct signer *signer);
void tls_context_free(struct tls_context *t);

#endif
