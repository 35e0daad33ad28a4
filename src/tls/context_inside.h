/* What a context is made of: for context.c and its parts, and secure.c. */
#ifndef TLS_CONTEXT_INSIDE_H
#define TLS_CONTEXT_INSIDE_H

#include <openssl/bio.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <stdbool.h>

#include "sallyport/domain/client_certificates.h"
#include "sallyport/domain/proof.h"
#include "sallyport/tls/context.h"
#include "sallyport/tls/ticket.h"

/* An OCSP response about a certificate. */
struct staple {
    unsigned char *der; /* NULL: none that counts */
    size_t len;
    int64_t until; /* seconds since 1970 */
};

/* A certificate with its chain, and the key that stands in for its own. */
struct identity {
    X509 *leaf;
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
    char *name, *key_name; /* of their files */
    uint64_t number;       /* of the key, with the signer */
    struct staple staple;
    char *unstapled; /* why not; NULL: it is, or none is configured */
    int kind;        /* EVP_PKEY_RSA and so on: a handshake takes one of each */
};

/* When a thing in a file expires, and when to speak of it. */
struct dated {
    int number;            /* in the file, from 1 */
    int64_t expires, warn; /* seconds since 1970 */
};

/* All of a file. */
struct dated_file {
    char *name; /* or NULL */
    struct dated *thing;
    size_t count;
};

struct tls_context {
    SSL_CTX *ssl; /* its certificates are those for no known name */
    struct identity identity[CERTIFICATES_MAX];
    size_t count;
    BIO_METHOD *bio;         /* of the streams */
    OSSL_PROVIDER *provider; /* of the keys that stand in for others */
    struct signer signer;    /* they point to it */
    struct ticket_keys
        keys;              /* of TLS 1.3: gate's, all its sessions have them */
    struct ticket_key own; /* of TLS 1.2: this process's alone */
    SSL_SESSION *kept;     /* of the control channel, TLS 1.2; or NULL */
    struct ticket_owner owner; /* whose tickets are made; user "": nobody's */
    enum client_certificates clients; /* are asked of control channels */
    struct dated_file client_ca, client_crl;
    unsigned char serial[PROOF_SERIAL_BYTES]; /* in its requests for them */
    X509 *client; /* of the control channel; or NULL */
};

/* Versions, suites, what is refused: 0 or -EINVAL (OpenSSL can't do it). */
int policy_set(SSL_CTX *ssl, const struct tls_policy *policy);

/* A pair into an identity, with a key that asks the signer, of a kind that TLS
 * signs with: 0 or -EINVAL. Free it in either case. */
int identity_load(struct identity *id, const struct tls_pair *pair,
                  const struct signer *signer, struct complaint *c);
void identity_free(struct identity *id);
/* Into one connection, beside what is there: false, and OpenSSL's error. */
bool identity_use(const struct identity *id, SSL *ssl);
/* When the first of its certificates expires, in seconds since 1970. */
int64_t identity_expires(const struct identity *id);
/* Is B good for every name that A is good for? */
bool identity_covers(const struct identity *b, const struct identity *a);

/* The chain into the identity: 0 or -EINVAL. */
int pem_load(struct identity *id, const struct tls_pair *pair,
             struct complaint *c);

/* staple.c: the response into the identity, if it counts: 0 or -EINVAL. */
int staple_load(struct identity *id, const struct tls_pair *pair,
                struct complaint *c);
void staple_drop(struct staple *s);
/* Does the certificate say that clients insist on one (RFC 7633)? */
bool staple_wanted(X509 *leaf);
/* From now on those who ask get it. */
void staple_set(struct tls_context *t);

/* By the name that a client asks for, of all identities: 0 or -EINVAL. */
int choose_set(struct tls_context *t, const struct tls_pair *pairs,
               struct complaint *c);

/* Tickets: keys, what they say, whose are resumed. 0 or -EINVAL. */
int resume_set(SSL_CTX *ssl, struct tls_context *t);

/* Requests for certificates name these CAs, or none if they are too many: false
 * and OpenSSL's error. */
bool client_names_set(SSL_CTX *ssl, STACK_OF(X509) * cas);
/* What requests for certificates say besides: 0 or -EINVAL. */
int client_set(SSL_CTX *ssl);

/* A handshake with itself in each version that is spoken, with each
 * certificate: 0 or -EINVAL. The dry one doesn't ask the signer. */
int warm_up(struct tls_context *t, struct complaint *c);
int warm_dry(struct tls_context *t, struct complaint *c);

/* Seconds since 1970; 0: unreadable. */
int64_t date_seconds(const ASN1_TIME *t);
#define DATE_TEXT_MAX 32
/* "2026-11-20 23:59:59 UTC". Returns out. */
const char *date_text(const ASN1_TIME *t, char out[DATE_TEXT_MAX]);
/* Thing NUMBER of F expires at END, to be spoken of so many seconds before: 0
 * or -ENOMEM. */
int date_note(struct dated_file *f, int number, int64_t end, int64_t before);
void date_release(struct dated_file *f);
#define DATE_WARN_S (30 * 86400)

/* An error of OpenSSL's queue in its words. */
const char *tls_error(unsigned long error);

#endif
