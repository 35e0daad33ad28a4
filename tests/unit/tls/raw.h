/* A TLS client without a socket. The test gets its output as bytes, and can
 * deliver them one by one, cut them, or change them. */
#ifndef TESTS_UNIT_TLS_RAW_H
#define TESTS_UNIT_TLS_RAW_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "fixture.h"

struct raw {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out; /* belong to the SSL object */
};
void raw_open(struct raw *r, int version, SSL_SESSION *session);
void raw_close(struct raw *r);
/* Takes one step of the handshake. Returns true when it is over. */
bool raw_step(struct raw *r);
/* Takes at most LEN bytes that the client wants to send. Returns their
 * number. */
size_t raw_take(struct raw *r, void *into, size_t len);
/* Gives the client all bytes that have come on the line. */
void raw_hear(struct raw *r, struct line *l);
/* Sends all bytes of the client on the line. */
void raw_say(struct raw *r, struct line *l);
/* Makes the whole handshake of the client and the stream. Returns the stream's
 * last state. */
enum stream_state raw_handshake(struct raw *r, struct line *l);
/* Opens the client of a secured line, and makes the handshake. */
void raw_shake(struct raw *r, struct line *l, int version);

/* Defines a test that runs with each TLS version from LEAST on. It gets the
 * line L, which BEGIN opens and secures, and its client R. */
#define RawTest(suite, name, least, begin)                                     \
    static void suite##_##name(struct line *l, struct raw *r);                 \
    Test(suite, name)                                                          \
    {                                                                          \
        for (int version = least; version <= TLS1_3_VERSION; version++) {      \
            struct line one, *l = &one;                                        \
            struct raw r;                                                      \
                                                                               \
            begin;                                                             \
            raw_shake(&r, l, version);                                         \
            suite##_##name(l, &r);                                             \
            raw_close(&r);                                                     \
            line_close(l);                                                     \
        }                                                                      \
    }                                                                          \
    static void suite##_##name(struct line *l,                                 \
                               struct raw *r __attribute__((unused)))

#endif
