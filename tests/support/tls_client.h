/* The other side of TLS for tests: a client over a blocking socket. It believes
 * any certificate unless told otherwise. */
#ifndef TESTS_SUPPORT_TLS_CLIENT_H
#define TESTS_SUPPORT_TLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct tls_client;
/* A ticket and its secret, which a client keeps from a connection. */
struct tls_session;

struct tls_client_options { /* all zero: what a modern client does */
    int version;            /* TLS1_VERSION … TLS1_3_VERSION only; 0: any */
    const char *alpn;       /* one protocol to offer, "ftp" */
    const char *groups;     /* "P-256:X25519" */
    const char *ciphers;    /* of TLS 1.2 */
    const char *suites;     /* of TLS 1.3 */
    const char *schemes;    /* of signatures, "RSA+SHA256:ed25519" */
    const char *authority;  /* a PEM file: verify the server against it … */
    const char *name;       /* … and this name (SNI as well) */
    bool status;            /* asks for an OCSP response */
    unsigned fragment;      /* 512, 1024, 2048, 4096: max_fragment_length */
    bool without_ems;       /* no extended master secret */
    const char *certificate, *key; /* PEM files of its own; NULL: none */
    int distrust;    /* an X509_V_ERR_…: refuses the server for that */
    bool silent_end; /* a FIN without close_notify is an end as well */
    const struct tls_session *show; /* to resume it, if the server will */
};

enum { TLS_CLIENT_END = 0, TLS_CLIENT_CUT = -1, TLS_CLIENT_FAILED = -2 };

/* Makes the handshake; FD stays the caller's. NULL: it failed, see
 * tls_client_error(). OPTIONS may be NULL. */
struct tls_client *tls_client_new(int fd,
                                  const struct tls_client_options *options);
void tls_client_free(struct tls_client *c); /* sends nothing; NULL is fine */

/* Bytes, or TLS_CLIENT_END (close_notify), _CUT (FIN or reset without one),
 * _FAILED (an alert, a bad record). */
long tls_client_read(struct tls_client *c, void *into, size_t len);
/* All of it, or false. */
bool tls_client_write(struct tls_client *c, const void *from, size_t len);
/* Sends close_notify and doesn't wait for the server's. */
bool tls_client_shutdown(struct tls_client *c);
/* Asks the server for new keys with the next write (TLS 1.3). */
bool tls_client_rekey(struct tls_client *c);

/* The newest ticket that was read so far, and how many; the first is the
 * caller's to free, and NULL if there is none. */
struct tls_session *tls_client_session(const struct tls_client *c);
unsigned tls_client_tickets(const struct tls_client *c);
void tls_session_free(struct tls_session *s); /* NULL is fine */
/* The name of the key that sealed the ticket, which stands in it in the clear.
 * False: there is no ticket. */
#define TLS_SESSION_KEY_NAME 16
bool tls_session_key_name(const struct tls_session *s,
                          unsigned char out[TLS_SESSION_KEY_NAME]);
/* The server has resumed what was shown. */
bool tls_client_resumed(const struct tls_client *c);

/* "TLSv1.3 TLS_AES_128_GCM_SHA256" */
const char *tls_client_cipher(const struct tls_client *c);
/* The serial number of the server's certificate. */
long tls_client_serial(const struct tls_client *c);
/* The bytes of the OCSP response that came with it; 0: none. */
long tls_client_staple(const struct tls_client *c);
/* The protocol that ALPN chose, or "". */
const char *tls_client_protocol(const struct tls_client *c);
/* Why this thread's last call failed, in OpenSSL's words, or "". */
const char *tls_client_error(void);

#endif
