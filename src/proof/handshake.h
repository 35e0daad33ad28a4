/* The messages of a TLS 1.3 handshake, cut up. */
#ifndef PROOF_HANDSHAKE_H
#define PROOF_HANDSHAKE_H

#include "sallyport/proof/proof.h"

/* In the order in which they are sent (RFC 8446 2). */
enum part {
    PART_HELLO,       /* the client's last one */
    PART_ANSWER,      /* ServerHello */
    PART_EXTENSIONS,  /* EncryptedExtensions */
    PART_REQUEST,     /* CertificateRequest */
    PART_CERTIFICATE, /* the server's */
    PART_VERIFY,
    PART_FINISHED,
    PART_CLIENT_CERTIFICATE,
    PART_CLIENT_VERIFY,
    PART_CLIENT_FINISHED,
    PART_COUNT
};

struct handshake {
    struct slice retry;   /* the first ClientHello, where a HelloRetryRequest
                             followed; else empty */
    struct slice covered; /* all others before PART_CLIENT_VERIFY */
    struct slice body[PART_COUNT];
};

/* Exactly these messages, once each, and no byte more: 0 or -EINVAL. */
int handshake_cut(struct handshake *h, struct slice messages);

/* A vector with a length of BYTES (1 to 3) in front, off the front of *from: 0
 * or -EINVAL. */
int take_vector(struct slice *from, size_t bytes, struct slice *ret);
int take_number(struct slice *from, size_t bytes, uint32_t *ret);

/* "TLS_AES_128_GCM_SHA256" and so on: the name of its hash, or NULL. */
const char *handshake_digest(const struct handshake *h);
/* Does the request name this session, and was it made within the handshake? */
bool handshake_names(const struct handshake *h, uint64_t serial);
/* The first certificate of one of both lists, DER: 0 or -EINVAL. */
int handshake_certificate(const struct handshake *h, enum part list,
                          struct slice *ret);
/* The client's signature: 0 or -EINVAL. */
int handshake_signature(const struct handshake *h, uint16_t *scheme,
                        struct slice *ret);

#endif
