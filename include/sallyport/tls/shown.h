/* The certificate that a server shows to a client, for sallyportctl. */
#ifndef SALLYPORT_TLS_SHOWN_H
#define SALLYPORT_TLS_SHOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/complain.h"
#include "sallyport/domain/tls.h"

#define TLS_FINGERPRINT_MAX 96

struct tls_shown {
    /* SHA-256 of the certificate, as openssl prints it. */
    char fingerprint[TLS_FINGERPRINT_MAX];
    const char *version;     /* "TLSv1.3" */
    int64_t begins, expires; /* of the certificate; seconds since 1970 */
    bool self_signed;
    bool fits;            /* it is for the name HOST */
    const char *distrust; /* why no CA of this system confirms it; or NULL */
};

/* Makes a handshake on the connected, blocking socket FD, which has timeouts,
 * and then says QUIT.
 * HOST may be NULL. Nothing is demanded of the certificate. Returns 0, or
 * -EPROTO with the complaint. */
int tls_shown_by(int fd, const char *host, struct tls_shown *ret,
                 struct complaint *c);
/* Writes the fingerprint of the first certificate of the PEM file FD. Returns 0
 * or -EINVAL. */
int tls_shown_in(int fd, char out[TLS_FINGERPRINT_MAX]);

/* What a partner must know of a certificate. */
struct tls_named {
    char name[HOST_TEXT_MAX]; /* the first DNS name of a host; "": none */
    char fingerprint[FINGERPRINT_TEXT_MAX], pin[KEY_PIN_TEXT_MAX];
    bool self_signed;
};
/* Reads the first certificate of the PEM file FD. Returns 0 or -EINVAL. */
int tls_named_in(int fd, struct tls_named *ret);

#endif
