/* Internals of the room: the socket's buffers, the parts of a stream, and the
 * parts of a context. */
#ifndef TLS_TLS_H
#define TLS_TLS_H

#include <openssl/bio.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "key.h"
#include "sallyport/base/buf.h"
#include "sallyport/domain/tls.h"
#include "sallyport/tls/context.h"
#include "sallyport/tls/stream.h"
#include "sallyport/tls/ticket.h"

/* arena.c: returns true if P is in the arena. */
bool arena_has(const void *p);

/* io.c: a socket with two buffers. Many small reads and writes become one
 * recv(2) or send(2). */
struct io {
    int fd;           /* the caller closes it */
    uint64_t traffic; /* bytes sent and received on the socket */
    size_t size;      /* bytes of each buffer, once it is allocated */
    unsigned char *in, *out;
    size_t in_at, in_end, out_at, out_end;
    int lost;  /* errno of a reset or time-out noticed while sending, or 0 */
    bool last; /* the kernel keeps the next bytes and sends them with the FIN */
};

/* A stream with buffers up to this size is a control channel. There are many
 * control channels, most of them idle, so they free empty buffers. */
#define IO_SMALL (64u << 10)

void io_release(struct io *io);

/* Fills the empty input by one recv(2). Returns the number of bytes, 0 at the
 * end of the stream, -EAGAIN, or another -errno. */
int io_fill(struct io *io);
/* Takes up to LEN received bytes. Returns how many. */
size_t io_take(struct io *io, void *into, size_t len);
/* Makes the kernel acknowledge received data at once, not after 40 ms. GnuTLS
 * and Java send the last flight of a handshake in two pieces, and Nagle's
 * algorithm holds the second one back until the acknowledgement. */
void io_acknowledge(const struct io *io);
/* Buffers up to LEN bytes. Returns how many (0: the buffer is full), or
 * -ENOMEM. */
int io_put(struct io *io, const void *from, size_t len);
/* Sends all buffered bytes. Returns 0, -EAGAIN if a part is left, or another
 * -errno. */
int io_send(struct io *io);
/* Discards the buffered output. */
void io_drop(struct io *io);

/* Returns how many bytes io_put() would take now. */
size_t io_room(const struct io *io);
bool io_received(const struct io *io);
bool io_unsent(const struct io *io);

/* Makes the method for bio_over(). Returns NULL if there is no memory. Free it
 * with BIO_meth_free() after the last BIO that uses it. */
BIO_METHOD *bio_method(void);
/* Makes a BIO that reads from IO's input buffer and writes to IO's output
 * buffer, but never uses the socket. If a buffer is empty or full, the BIO asks
 * OpenSSL to retry. IO must outlive the BIO. Returns NULL if there is no
 * memory. */
BIO *bio_over(const BIO_METHOD *method, struct io *io);

/* stream.c (plain and TLS) and secure.c (TLS). */
struct stream {
    struct io io;
    SSL *ssl; /* NULL: plain */
    enum stream_use use;
    enum ticket_origin shown; /* the origin of the client's ticket */
    bool open;                /* the handshake is over */
    bool broken;              /* only stream_free() can still be called */
    bool heard;               /* the current call has made its one recv(2) */
    bool patient;             /* only tickets are unsent, and can wait */
    bool owes;             /* the peer's last flight isn't acknowledged yet */
    enum stream_state end; /* CLOSED or CUT once reading has found the end;
                            * OK until then */
    bool fin;              /* the end was a FIN, not a reset */
    bool reported;         /* stream_read() has reported the end */
    uint32_t events;
    char cipher[64];
    char cause[160];
    struct buf proof; /* the handshake's messages, for stream_proof() */
    bool unproved;    /* the messages are too long, useless, or forgotten */
};

/* Marks the stream as broken and keeps the cause. Returns STREAM_FAILED. */
enum stream_state stream_break(struct stream *s, const char *cause);
/* Sends the buffered bytes. Returns OK, AGAIN, CUT or FAILED. */
enum stream_state stream_send(struct stream *s);
/* Acknowledges the peer's last flight, unless bytes have gone to it since. */
void stream_acknowledge(struct stream *s);
/* Fills the input. Returns OK, AGAIN, CUT or FAILED, or at the end of the
 * stream AT_END. Calls recv(2) at most once in each public call: otherwise a
 * peer that sends without end could keep the caller here. */
enum stream_state stream_receive(struct stream *s, enum stream_state at_end);

enum stream_state secure_handshake(struct stream *s);
enum stream_state secure_read(struct stream *s, unsigned char *into, size_t len,
                              size_t *got);
enum stream_state secure_write(struct stream *s, const unsigned char *from,
                               size_t len, size_t *took);
/* Returns true if a record has begun and not ended. */
bool secure_is_within(const struct stream *s);
enum stream_state secure_shutdown(struct stream *s);

/* peer_certificate.c. Call client_ask() before the handshake: it asks for a
 * certificate if the policy wants one. Call client_keep() when the handshake is
 * over: it keeps the client's certificate. */
void client_ask(struct stream *s);
void client_keep(struct stream *s);

/* ticket.c. Call resume_keep() when a handshake is over: it keeps the TLS 1.2
 * session of a control channel. */
void resume_keep(struct stream *s);
enum stream_state resume_offer_ticket(struct stream *s);

/* A certificate with its chain, and the stand-in for its private key. */
struct identity {
    X509 *leaf;
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
    char *name, *key_name; /* names of the two files */
    uint64_t number;       /* the key's number, for the signer */
    int kind; /* EVP_PKEY_RSA and so on: a handshake offers one identity of each
               * kind */
};

struct tls_context {
    SSL_CTX *ssl; /* its certificates are for clients that send no known name */
    struct identity identity[CERTIFICATES_MAX];
    size_t count;
    BIO_METHOD *bio;         /* used by all streams */
    OSSL_PROVIDER *provider; /* provides the stand-ins for private keys */
    struct signer signer;    /* the stand-ins of private keys point to it */
    /* For TLS 1.3: the keys that gate makes, and that all its sessions have. */
    struct ticket_keys keys;
    struct ticket_key own; /* for TLS 1.2: the key that only this process has */
    SSL_SESSION *kept;     /* TLS 1.2: the control channel's session; or NULL */
    struct ticket_owner owner; /* owner of new tickets; user "": nobody */
    enum client_certificates clients; /* certificates wanted on control
                                       * channels */
    char *ca_name, *crl_name;         /* names of the clients' files; or NULL */
    struct tls_date *date;            /* the dates of all files */
    size_t dates;
    unsigned char serial[PROOF_SERIAL_BYTES]; /* goes into our requests for
                                                 certificates */
    X509 *client; /* the control channel's client certificate; or NULL */
};

/* Returns the context that SSL was made from. */
struct tls_context *context_of(const SSL *ssl);

/* Sets versions, suites and options. Returns 0; -EINVAL: OpenSSL doesn't
 * support the policy. */
int policy_set(SSL_CTX *ssl, const struct tls_policy *policy);

/* Loads a pair as the next identity of T: notes the dates, and makes a key that
 * asks the signer. Returns 0, or -EINVAL with the complaint. */
int identity_load(struct tls_context *t, const struct tls_pair *pair,
                  struct complaint *c);
/* Uses the certificate for one connection. Returns false if OpenSSL's queue has
 * an error. */
bool identity_use(const struct identity *id, SSL *ssl);
/* Makes each handshake choose certificates by the name that the client sends.
 * Returns 0, or -EINVAL with the complaint. */
int choose_set(struct tls_context *t, const struct tls_pair *pairs,
               struct complaint *c);

/* Sets up tickets: their keys, their content, and the rules by which the server
 * resumes. Returns 0 or -EINVAL. */
int resume_set(SSL_CTX *ssl, struct tls_context *t);

/* A request for a certificate lists the CAs' names, so they are a part of the
 * client's proof. This limit, in bytes, leaves room for the rest of the proof:
 * post-quantum key shares (2.5 KiB) and two RSA chains. If the names are
 * longer, the request lists no name, and the client must choose without the
 * list. */
#define CLIENT_NAMES_MAX 2048u

/* Adds the session's serial number to requests for certificates. Returns 0 or
 * -EINVAL. */
int client_set(SSL_CTX *ssl);

/* Makes a handshake of the context with itself, in each version and with each
 * certificate. This also proves that the signer has each key. Returns 0, or
 * -EINVAL with the complaint. */
int warm_up(struct tls_context *t, struct complaint *c);

/* Returns seconds since 1970; 0 if T is unreadable. */
int64_t date_seconds(const ASN1_TIME *t);
#define DATE_TEXT_MAX 32
/* Writes "2026-11-20 23:59:59 UTC", and returns OUT. */
const char *date_text(const ASN1_TIME *t, char out[DATE_TEXT_MAX]);
/* Notes when item NUMBER of FILE, which stays the context's, is valid. The
 * warning is due BEFORE seconds before the expiry. Returns 0 or -ENOMEM. */
#define DATE_WARN_S (INT64_C(30) * 86400)
int date_note(struct tls_context *t, const struct tls_date *d, int64_t before);

/* Checks the dates of certificate X, unless it is in use, and notes the dates,
 * with the file, the words and the number of OF. WHICH is for the complaint.
 * Returns 0 or -EINVAL. */
int certificate_dates(struct tls_context *t, const X509 *x,
                      const struct tls_date *of, const char *which, bool in_use,
                      struct complaint *c);

/* Loads the provider of the keys' stand-ins. Free it with
 * OSSL_PROVIDER_unload() after the last key. Returns NULL if OpenSSL's queue
 * has an error. */
OSSL_PROVIDER *remote_load(void);
/* Makes a key with PUBLIC's public half that claims to be private; SIGNER,
 * which must outlive the key, makes the key's signatures. Returns NULL if
 * OpenSSL's queue has an error. */
EVP_PKEY *remote_key_new(EVP_PKEY *public, const struct signer *signer,
                         uint64_t number);

#endif
