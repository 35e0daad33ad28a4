/* Words about TLS that processes with and without OpenSSL share. */
#ifndef SALLYPORT_DOMAIN_TLS_H
#define SALLYPORT_DOMAIN_TLS_H

#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"

/* The TLS versions and cipher suites that can be configured. */
enum tls_version { TLS_12, TLS_13, TLS_VERSIONS };
extern const char *const tls_version_words[TLS_VERSIONS]; /* "1.2", "1.3" */

enum suites {
    SUITES_ALL, /* all suites that the server has */
    SUITES_AES256,
    SUITES_COUNT
};
extern const char *const suites_words[SUITES_COUNT];

struct tls_policy {
    unsigned least;  /* enum tls_version */
    unsigned suites; /* enum suites */
};

/* Does the server ask clients for certificates? */
enum client_certificates {
    CLIENTS_OFF,     /* doesn't ask */
    CLIENTS_REQUEST, /* asks, and accepts a client without a certificate */
    CLIENTS_REQUIRE, /* asks, and refuses a client without a certificate */
    CLIENTS_COUNT
};

extern const char *const clients_words[CLIENTS_COUNT];

/* A pin is the SHA-256 of a certificate's DER form. It identifies the
 * certificate in the users file, in the proof of a handshake, and in the log.
 */
#define PIN_BYTES 32

/* The text of a pin: PIN_PREFIX, then the bytes as hexadecimal digits in lower
 * case. */
#define PIN_PREFIX           "sha256:"
#define FINGERPRINT_TEXT_MAX 96 /* "AB:CD:…", with its NUL */
#define KEY_PIN_TEXT_MAX     64 /* "sha256//" and base64, as clients pin a key */
#define HOST_TEXT_MAX        256
#define PIN_TEXT_MAX         80 /* with its NUL */

/* A session puts its serial into its requests for client certificates, so that
 * a client's signature is valid for that session only. */

/* An extension of CertificateRequest (RFC 8446 4.3.2), with a number for
 * private use. */
#define PROOF_EXTENSION    0xff5au
#define PROOF_SERIAL_BYTES 8

/* Writes the session's serial, the most significant byte first. */
static inline void proof_write_serial(uint64_t serial,
                                      unsigned char out[PROOF_SERIAL_BYTES])
{
    for (int i = 0; i < PROOF_SERIAL_BYTES; i++)
        out[i] = (unsigned char)(serial >> (56 - 8 * i));
}

/* Signatures. */

/* Limits in bytes. The longest messages are, in TLS 1.2, two randoms with the
 * parameters of P-521 (RFC 8422 5.4), and in TLS 1.3 64 spaces with a context
 * and a SHA-384 (RFC 8446 4.4.3). RSA with 8,192 bits makes the longest
 * signature. */
#define SIGN_MESSAGE_MAX 256
#define SIGN_BYTES_MAX   1024

/* A request for a signature. It has the whole message, never only a digest. */
struct sign_request {
    uint64_t key;    /* the number that master gave to the key */
    uint16_t scheme; /* SignatureScheme of RFC 8446 4.2.3 */
    struct slice message;
};
struct sign_result {
    uint8_t bytes[SIGN_BYTES_MAX];
    size_t len;
};

/* Signs handshakes. The function returns 0 or -errno. */
struct signer {
    int (*sign)(void *owner, const struct sign_request *r,
                struct sign_result *ret);
    void *owner;
};

#endif
