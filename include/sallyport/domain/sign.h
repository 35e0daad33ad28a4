/* A request for a signature: words that the room tls, the messages and the
 * process keys share. */
#ifndef SALLYPORT_DOMAIN_SIGN_H
#define SALLYPORT_DOMAIN_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/slice.h"

/* The longest messages are two randoms with the parameters of P-521, and 64
 * spaces with a context and a SHA-384 (RFC 8446 4.4.3, RFC 8422 5.4). The
 * longest signature is that of RSA with 8,192 bits. */
#define SIGN_MESSAGE_MAX 256
#define SIGN_BYTES_MAX   1024

/* A request holds the whole message, never its digest. */
struct sign_request {
    uint64_t key;    /* the number that master gave it */
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
