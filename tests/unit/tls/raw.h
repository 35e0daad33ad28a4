/* A client in pieces: what it says comes out as bytes, so that a test can
 * deliver them one by one, cut them, or change them. */
#ifndef TESTS_UNIT_TLS_RAW_H
#define TESTS_UNIT_TLS_RAW_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "fixture.h"

struct raw {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out; /* the SSL's */
};
void raw_open(struct raw *r, int version, SSL_SESSION *session);
void raw_close(struct raw *r);
/* One step of the handshake: true when it is over. */
bool raw_step(struct raw *r);
/* What the client wants to send, at most LEN bytes. */
size_t raw_take(struct raw *r, void *into, size_t len);
/* What came back on the line goes into the client. */
void raw_hear(struct raw *r, struct line *l);
/* All that the client wants to send goes onto the line. */
void raw_say(struct raw *r, struct line *l);
/* The whole handshake of both: how the stream's ended. */
enum stream_state raw_handshake(struct raw *r, struct line *l);

#endif
