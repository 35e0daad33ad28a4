/* The facts of a server's certificate, for people, pins and known hosts. */
#ifndef CLIENT_CERTIFICATE_H
#define CLIENT_CERTIFICATE_H

#include <openssl/x509.h>
#include <stdbool.h>

#define CERTIFICATE_PIN_MAX  64 /* "sha256//" and 44 of base64 */
#define CERTIFICATE_TEXT_MAX 256
#define CERTIFICATE_HEX_MAX  100 /* "AB:CD:..." of 32 bytes */

struct certificate {
    char subject[CERTIFICATE_TEXT_MAX], issuer[CERTIFICATE_TEXT_MAX];
    char begins[32], ends[32]; /* "2026-11-20 07:42:01 UTC" */
    bool valid_now, self_signed;
    char
        fingerprint[CERTIFICATE_HEX_MAX]; /* SHA-256 of the whole certificate */
    char pin[CERTIFICATE_PIN_MAX]; /* of its public key, in curl's form */
};

/* Returns 0, or -1: X can't be read. */
int certificate_read(X509 *x, struct certificate *ret);

#endif
