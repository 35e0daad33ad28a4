/* The messages of a TLS 1.3 handshake. */
#ifndef PROOF_HANDSHAKE_H
#define PROOF_HANDSHAKE_H

#include "sallyport/proof/proof.h"

/* The parts, in the order in which they are sent (RFC 8446 2). */
enum handshake_part {
    PART_HELLO,       /* the client's last ClientHello */
    PART_ANSWER,      /* ServerHello */
    PART_EXTENSIONS,  /* EncryptedExtensions */
    PART_REQUEST,     /* CertificateRequest */
    PART_CERTIFICATE, /* the server's certificates */
    PART_VERIFY,
    PART_FINISHED,
    PART_CLIENT_CERTIFICATE,
    PART_CLIENT_VERIFY,
    PART_CLIENT_FINISHED,
    PART_COUNT
};

struct handshake {
    struct slice retry;   /* the first ClientHello, if a HelloRetryRequest
                           * followed; otherwise empty */
    struct slice covered; /* all other messages before PART_CLIENT_VERIFY */
    struct slice body[PART_COUNT];
};

/* Splits MESSAGES, which must be exactly these parts, once each, with no byte
 * left. Returns 0 or -EINVAL. */
int handshake_cut(struct handshake *h, struct slice messages);

/* Returns the name of the hash of the handshake's cipher suite, or NULL. */
const char *handshake_digest(const struct handshake *h);
/* Returns true if the CertificateRequest names the session SERIAL, and belongs
 * to this handshake. */
bool handshake_names(const struct handshake *h, uint64_t serial);
/* Gets the first certificate of the server's or the client's list, DER. Returns
 * 0 or -EINVAL. */
int handshake_certificate(const struct handshake *h, enum handshake_part list,
                          struct slice *ret);
/* Gets the client's signature. Returns 0 or -EINVAL. */
int handshake_signature(const struct handshake *h, uint16_t *scheme,
                        struct slice *ret);

#endif
