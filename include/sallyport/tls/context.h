/* A server's certificates and its TLS policy. The private keys are in the
 * process keys. */
#ifndef SALLYPORT_TLS_CONTEXT_H
#define SALLYPORT_TLS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/complain.h"
#include "sallyport/domain/limits.h"
#include "sallyport/domain/tls.h"

struct tls_context;
struct ticket_keys;
struct ticket_owner;

/* A certificate chain, and the number of its private key. The signer has the
 * key. */
struct tls_pair {
    int certificate_fd;      /* PEM; the caller closes it */
    const char *certificate; /* the names of both files, for complaints */
    const char *key;
    bool in_use;     /* it was in use before, so it is accepted even if it has
                        expired */
    uint64_t number; /* the key's number, for the signer */
};

/* Makes a context from COUNT pairs, 1 to CERTIFICATES_MAX. POLICY says which
 * versions and suites it speaks. A client that sends a name (SNI) gets the
 * pairs for that name, one of each kind of key. A client that sends no name, or
 * an unknown name, gets the first pair, and the pairs with other kinds of keys
 * for the same names. The context has its own copies of POLICY and SIGNER.
 * SIGNER must prove that it has each key. The function makes handshakes between
 * the context and a client of its own, so that OpenSSL loads everything that it
 * loads on demand before the sandbox closes and before a fork. Returns NULL
 * with the complaint: a file is unreadable or expired, a key is too weak or
 * belongs to another certificate, or an earlier pair has the same names and the
 * same kind of key (no complaint if both pairs are in use). Free the context
 * with tls_context_free(). */
struct tls_context *tls_context_new(const struct tls_pair *pairs, size_t count,
                                    const struct tls_policy *policy,
                                    const struct signer *signer,
                                    struct complaint *c);

struct tls_pair_facts {
    uint64_t number;  /* the key's number */
    const char *name; /* the certificate's file name */
    bool unused;      /* an earlier pair is for the same names */
    char fingerprint[FINGERPRINT_TEXT_MAX]; /* SHA-256 of the certificate */
    char pin[KEY_PIN_TEXT_MAX]; /* SHA-256 of the public key; "": no memory */
    char host[HOST_TEXT_MAX];   /* the first DNS name of a host; "": none */
    bool self_signed;
};
/* Writes the facts about pair I, counted from 0. .name points into the context.
 * Returns false if there is no pair I. */
bool tls_context_pair(const struct tls_context *t, size_t i,
                      struct tls_pair_facts *ret);
/* Replaces the signer. A session sets a signer with its own channel to keys. */
void tls_context_signer(struct tls_context *t, const struct signer *signer);
/* T can be NULL. Free all streams that use the context before. */
void tls_context_free(struct tls_context *t);

/* Sets the keys that seal TLS 1.3 tickets. Until the first call they are
 * random. */
void tls_context_tickets(struct tls_context *t, const struct ticket_keys *keys);
/* Sets the lifetime of TLS 1.3 tickets. Call it before the handshake of the
 * connection that gets the ticket; otherwise OpenSSL's default holds. */
void tls_context_lifetime(struct tls_context *t, uint64_t seconds);
/* Makes a key that only this process has, for the tickets of TLS 1.2, which
 * OpenSSL makes before the login. Call it after the fork. */
void tls_context_forked(struct tls_context *t);
/* Sets the owner of new tickets, after the login. The server makes TLS 1.3
 * tickets only if there is an owner. */
void tls_context_owner(struct tls_context *t, const struct ticket_owner *owner);

/* The clients' certificates that the server accepts. */
struct tls_clients_file {
    int fd;           /* PEM; the caller closes it; -1: none */
    const char *name; /* for complaints */
    bool in_use;      /* it was in use before, so it is accepted even if it has
                         expired */
};
struct tls_clients {
    enum client_certificates mode;
    struct tls_clients_file ca, crl; /* crl.fd can be -1 */
};

/* Makes control channels ask clients for a certificate. A channel accepts a
 * certificate only if one of these CAs issued it for a client, and it is valid
 * now and not revoked. Returns 0, or -EINVAL with the complaint: a file is
 * unreadable, empty or expired, or a revocation list isn't signed by one of the
 * CAs. A file that was in use before is accepted even if it has expired; but an
 * expired CA or list admits no client. */
int tls_context_clients(struct tls_context *t, const struct tls_clients *from,
                        struct complaint *c);

/* The date on which something expires: a certificate of the server, a CA's
 * certificate for clients, or a revocation list. */
struct tls_date {
    const char *file; /* the file's name; the context owns the text */
    const char *what; /* "certificate" or "revocation list" */
    int number;       /* the position in the file, from 1 */
    /* Seconds since 1970. A warning is due from WARN on: 30 days before the
     * expiry, or in the last quarter of a list's life if that is later. */
    int64_t begins, expires, warn;
};
/* Writes date number I, counted from 0. Returns false if there is no date I. */
bool tls_context_date(const struct tls_context *t, size_t i,
                      struct tls_date *ret);
/* Sets SERIAL, the session's number, which the client's signature will cover
 * (sallyport/proof). Call it after the fork. */
void tls_context_serial(struct tls_context *t, uint64_t serial);

#endif
