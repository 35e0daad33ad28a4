/* The parts of a context, for context.c, the files that build a context, and
 * secure.c. */
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
    unsigned char *der; /* NULL: there is no usable one */
    size_t len;
    int64_t until; /* seconds since 1970 */
};

/* A certificate with its chain, and the stand-in for its private key. */
struct identity {
    X509 *leaf;
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
    char *name, *key_name; /* names of their files */
    uint64_t number;       /* the key's number, for the signer */
    struct staple staple;
    char *unstapled; /* why no response; NULL: sent, or not configured */
    int kind; /* EVP_PKEY_RSA and so on: a handshake offers one of each */
};

/* When something in a file expires, and from when on to warn. */
struct dated {
    int number;            /* position in the file, from 1 */
    int64_t expires, warn; /* seconds since 1970 */
};

/* All dates of one file; owned. */
struct dated_file {
    char *name; /* of the file; or NULL */
    struct dated *thing;
    size_t count;
};

struct tls_context {
    SSL_CTX *ssl; /* its certificates are for clients that send no known name */
    struct identity identity[CERTIFICATES_MAX];
    size_t count;
    BIO_METHOD *bio;         /* used by all streams */
    OSSL_PROVIDER *provider; /* provides the stand-ins for private keys */
    struct signer signer;    /* the stand-ins point to it */
    /* For TLS 1.3: gate makes them, and all its sessions have them. */
    struct ticket_keys keys;
    struct ticket_key own; /* for TLS 1.2: only this process has it */
    SSL_SESSION *kept; /* the control channel's session, in TLS 1.2; or NULL */
    struct ticket_owner owner; /* who owns new tickets; user "": nobody */
    enum client_certificates clients; /* asked for on control channels */
    struct dated_file client_ca, client_crl;
    unsigned char serial[PROOF_SERIAL_BYTES]; /* in our requests */
    X509 *client; /* the control channel's client certificate; or NULL */
};

/* The context that SSL was made from. */
struct tls_context *context_of(const SSL *ssl);

/* Sets versions, suites and options. Returns 0, or -EINVAL if OpenSSL can't do
 * it. */
int policy_set(SSL_CTX *ssl, const struct tls_policy *policy);

/* Loads a pair, and makes a key that asks the signer. Returns 0, or -EINVAL
 * with the complaint. In either case the caller frees ID. */
int identity_load(struct identity *id, const struct tls_pair *pair,
                  const struct signer *signer, struct complaint *c);
void identity_free(struct identity *id);
/* Adds the certificate to those of one connection. False: OpenSSL's queue has
 * the error. */
bool identity_use(const struct identity *id, SSL *ssl);
/* When the first certificate of its chain expires, seconds since 1970. */
int64_t identity_expires(const struct identity *id);
/* Is B valid for every name that A is valid for? */
bool identity_covers(const struct identity *b, const struct identity *a);

/* Reads the certificate chain. Returns 0, or -EINVAL with the complaint. */
int chain_load(struct identity *id, const struct tls_pair *pair,
               struct complaint *c);

/* Reads and checks the OCSP response. Returns 0, or -EINVAL with the
 * complaint. */
int staple_load(struct identity *id, const struct tls_pair *pair,
                struct complaint *c);
void staple_drop(struct staple *s);
/* Does the certificate demand an OCSP response (must-staple, RFC 7633)? */
bool staple_wanted(X509 *leaf);
/* From now on clients that ask for an OCSP response get it. */
void staple_set(struct tls_context *t);

/* Has each handshake choose certificates by the name that the client sends.
 * Returns 0, or -EINVAL with the complaint. */
int choose_set(struct tls_context *t, const struct tls_pair *pairs,
               struct complaint *c);

/* Sets up tickets: their keys and content, and which ones are resumed. Returns
 * 0 or -EINVAL. */
int resume_set(SSL_CTX *ssl, struct tls_context *t);

/* Adds the session's serial number to requests for certificates. Returns 0 or
 * -EINVAL. */
int client_set(SSL_CTX *ssl);

/* Has the signer prove that it has each key. Returns 0, or -EINVAL with the
 * complaint. */
int probe_keys(const struct tls_context *t, struct complaint *c);

/* Makes a handshake with itself in each version and with each certificate.
 * Returns 0, or -EINVAL with the complaint. */
int warm_up(struct tls_context *t, struct complaint *c);

/* Seconds since 1970; 0 if T is unreadable. */
int64_t date_seconds(const ASN1_TIME *t);
#define DATE_TEXT_MAX 32
/* Writes "2026-11-20 23:59:59 UTC", and returns OUT. */
const char *date_text(const ASN1_TIME *t, char out[DATE_TEXT_MAX]);
/* Notes that thing NUMBER of F expires at END, and that the warning is due
 * BEFORE seconds earlier. Returns 0 or -ENOMEM. */
int date_note(struct dated_file *f, int number, int64_t end, int64_t before);
void date_release(struct dated_file *f);
#define DATE_WARN_S (30 * 86400)

/* The text of an error from OpenSSL's queue; never NULL. */
const char *tls_error(unsigned long error);

#endif
