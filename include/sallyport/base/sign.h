/* A signature that is asked for: the words that the room tls, the message list
 * and the process keys share. */
#ifndef SALLYPORT_BASE_SIGN_H
#define SALLYPORT_BASE_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/slice.h"

/* What is signed is at most two randoms and the parameters of P-521, or 64
 * spaces, a context and a SHA-384 (RFC 8446 4.4.3, RFC 8422 5.4); a signature
 * is at most that of RSA with 8,192 bits. */
#define SIGN_MESSAGE_MAX 256
#define SIGN_BYTES_MAX   1024

/* A whole message, never a digest of one. */
struct sign_request {
    uint64_t key;    /* its number, as master gave it */
    uint16_t scheme; /* SignatureScheme of RFC 8446 4.2.3 */
    struct slice message;
};
struct sign_result {
    uint8_t bytes[SIGN_BYTES_MAX];
    size_t len;
};

/* Whoever signs: 0, or -errno and nothing is signed. */
struct signer {
    int (*sign)(void *owner, const struct sign_request *r,
                struct sign_result *ret);
    void *owner;
};

#endif
