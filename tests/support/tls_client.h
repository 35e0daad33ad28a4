/* A TLS client for tests, over a blocking socket. It accepts any certificate
 * unless the options say otherwise. */
#ifndef TESTS_SUPPORT_TLS_CLIENT_H
#define TESTS_SUPPORT_TLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct tls_client;
/* A ticket and its secret, which a client keeps after a connection. */
struct tls_session;

struct tls_client_options { /* all zero: a modern client */
    int version;            /* TLS1_VERSION … TLS1_3_VERSION only; 0: any */
    const char *alpn;       /* one protocol to offer, "ftp" */
    const char *groups;     /* "P-256:X25519" */
    const char *ciphers;    /* of TLS 1.2 */
    const char *suites;     /* of TLS 1.3 */
    const char *schemes;    /* of signatures, "RSA+SHA256:ed25519" */
    const char *authority;  /* PEM file of the CA that issues the server's
                               certificate; NULL: accepts any */
    const char *name; /* the server's name, for SNI and, with AUTHORITY, for the
                         certificate */
    unsigned fragment; /* 512, 1024, 2048, 4096: max_fragment_length */
    bool without_ems;  /* no extended master secret */
    const char *certificate, *key; /* PEM files of the client; NULL: none */
    int distrust; /* X509_V_ERR_… with which it refuses any server; 0: none */
    bool silent_end; /* a FIN without close_notify counts as an end */
    const struct tls_session
        *show; /* the session to resume, if the server agrees */
};

enum { TLS_CLIENT_END = 0, TLS_CLIENT_CUT = -1, TLS_CLIENT_FAILED = -2 };

/* OpenSSL begins here once, if this is called before the tests fork. */
void tls_client_begin(void);
/* Makes the handshake; FD stays the caller's. OPTIONS may be NULL. Returns NULL
 * if the handshake fails: tls_client_error() has the reason. */
struct tls_client *tls_client_new(int fd,
                                  const struct tls_client_options *options);
void tls_client_free(struct tls_client *c); /* sends nothing; C may be NULL */

/* Returns the number of bytes, or TLS_CLIENT_END (close_notify), TLS_CLIENT_CUT
 * (a FIN or a reset without close_notify), or TLS_CLIENT_FAILED (an alert, a
 * bad record). */
long tls_client_read(struct tls_client *c, void *into, size_t len);
/* Writes all bytes. Returns false if this fails. */
bool tls_client_write(struct tls_client *c, const void *from, size_t len);
/* Changes the client's keys, and asks the server to change its own (KeyUpdate).
 * Returns false if this fails. */
bool tls_client_renew(struct tls_client *c);
/* Sends close_notify, and doesn't wait for the server's. Returns false if this
 * fails. */
bool tls_client_shutdown(struct tls_client *c);

/* Return the newest ticket that was read so far, and the number of tickets. The
 * caller frees the ticket, which is NULL if none was read. */
struct tls_session *tls_client_session(const struct tls_client *c);
unsigned tls_client_tickets(const struct tls_client *c);
void tls_session_free(struct tls_session *s); /* S may be NULL */
/* Writes the name of the key with which the server has sealed the ticket. The
 * ticket contains this name in plain text. Returns false if there is no
 * ticket. */
#define TLS_SESSION_KEY_NAME 16
bool tls_session_key_name(const struct tls_session *s,
                          unsigned char out[TLS_SESSION_KEY_NAME]);
/* Has the server resumed the session that was shown? */
bool tls_client_resumed(const struct tls_client *c);

/* Returns version and cipher, such as "TLSv1.3 TLS_AES_128_GCM_SHA256". */
const char *tls_client_cipher(const struct tls_client *c);
/* Returns the serial number of the server's certificate. */
long tls_client_serial(const struct tls_client *c);
/* Returns the protocol that ALPN chose, or "". */
const char *tls_client_protocol(const struct tls_client *c);
/* Returns OpenSSL's reason for the failure of this thread's last call, or "" if
 * it succeeded. */
const char *tls_client_error(void);

#endif
