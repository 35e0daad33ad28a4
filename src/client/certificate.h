/* What a server's certificate says, for people, pins and known hosts. */
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
    char fingerprint[CERTIFICATE_HEX_MAX]; /* SHA-256 of the whole */
    char pin[CERTIFICATE_PIN_MAX];         /* of its public key, as curl's */
};

/* 0 or -1: it can't be read. */
int certificate_read(X509 *x, struct certificate *ret);

#endif
