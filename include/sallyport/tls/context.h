/* A server's certificates and TLS policy; their keys are elsewhere. */
#ifndef SALLYPORT_TLS_CONTEXT_H
#define SALLYPORT_TLS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/complaint.h"
#include "sallyport/domain/limits.h"
#include "sallyport/domain/sign.h"
#include "sallyport/domain/suites.h"

struct tls_context;
struct ticket_keys;
struct ticket_owner;

/* A certificate chain here, its private key with the signer. */
struct tls_pair {
    int certificate_fd;      /* PEM; stays the caller's */
    const char *certificate; /* names, for complaints */
    const char *key;
    bool in_use;            /* already: may have expired since */
    uint64_t number;        /* of the key, with the signer */
    const char *staple;     /* the file of an OCSP response; NULL: none */
    int staple_fd;          /* DER; stays the caller's */
    bool staple_must_count; /* else one that doesn't is told, and not sent */
};

/* Versions and suites as POLICY says, which is copied. COUNT pairs, 1 to
 * CERTIFICATES_MAX: a client gets those of the name that it asks for, one of
 * each kind of key; of no name, or an unknown one, the first pair, and those of
 * other kinds that are good for the same names. SIGNER is copied, and proves
 * that it has each key. NULL with the complaint: unreadable, expired, too weak,
 * another key, a pair that nobody would get, suites that none of its keys can
 * do. Makes handshakes with itself, so
 * that everything OpenSSL loads lazily is there before a sandbox closes and
 * before a fork. */
struct tls_context *tls_context_new(const struct tls_pair *pairs, size_t count,
                                    const struct tls_policy *policy,
                                    const struct signer *signer,
                                    struct complaint *c);

/* The same for whoever can't wait for the signer, behind a tls_context_new():
 * nothing is asked of it yet, and the handshakes end where it would be. Not to
 * be used before each key is proven. */
struct tls_context *tls_context_load(const struct tls_pair *pairs, size_t count,
                                     const struct tls_policy *policy,
                                     const struct signer *signer,
                                     struct complaint *c);
#define TLS_PROOF_BYTES 160
struct tls_proof {
    struct sign_request request; /* its message is the one below */
    char message[TLS_PROOF_BYTES];
};
/* What the signer must sign to prove that it has the key of pair I; false:
 * there are no more pairs. */
bool tls_context_proof(const struct tls_context *t, size_t i,
                       struct tls_proof *ret);
/* What it made of that: 0, or -EINVAL with the complaint. ERROR: what a signer
 * returns; only if it is 0 SIGNATURE is looked at. */
int tls_context_proven(const struct tls_context *t, size_t i, int error,
                       const struct sign_result *signature,
                       struct complaint *c);

struct tls_pair_facts {
    uint64_t number;       /* of its key */
    const char *name;      /* of the certificate's file */
    int64_t expires;       /* itself or one of its chain, seconds since 1970 */
    int64_t staple_until;  /* the OCSP response counts; 0: there is none */
    const char *unstapled; /* why one that is configured isn't sent, or NULL */
    bool wants_staple;     /* the certificate: clients shall insist on one */
};
/* Of pair I; false: there are no more. The texts are the context's. */
bool tls_context_pair(const struct tls_context *t, size_t i,
                      struct tls_pair_facts *ret);
/* From now on this one signs: in a session its own channel to keys. */
void tls_context_signer(struct tls_context *t, const struct signer *signer);
void tls_context_free(struct tls_context *t);

/* From now on tickets of TLS 1.3 are sealed with these keys. Before the first
 * call they are random ones. */
void tls_context_tickets(struct tls_context *t, const struct ticket_keys *keys);
/* So long a ticket of TLS 1.3 counts. Before the handshake of the connection
 * that gets it, or it has OpenSSL's default. */
void tls_context_lifetime(struct tls_context *t, uint64_t seconds);
/* Behind a fork: a key of this process's own for the tickets of TLS 1.2, which
 * are made before anybody has logged in. */
void tls_context_forked(struct tls_context *t);
/* Somebody has logged in: without this no ticket of TLS 1.3 is made. */
void tls_context_owner(struct tls_context *t, const struct ticket_owner *owner);

#endif
