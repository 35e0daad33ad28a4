/* Contains helpers of the tests of the room tls: new certificates, a stream
 * with a client at the other end, and waits with a deadline. */
#ifndef TESTS_UNIT_TLS_FIXTURE_H
#define TESTS_UNIT_TLS_FIXTURE_H

#include <pthread.h>

#include "../../support/signer.h"
#include "../../support/tls_client.h"
#include "sallyport/tls/context.h"
#include "sallyport/tls/stream.h"
#include "support/test.h"

#define CONTROL (16u << 10)
#define DATA    (512u << 10)

enum key_kind {
    KEY_EC,
    KEY_EC_384,
    KEY_EC_521,
    KEY_EC_WEAK,
    KEY_RSA,
    KEY_RSA_WEAK,
    KEY_ED25519
};

struct credentials_spec {
    enum key_kind kind;
    bool expired, later;    /* later: becomes valid in an hour */
    const char *passphrase; /* the key's passphrase, or NULL */
    const char *names;      /* "DNS:a.example,DNS:b.example", or NULL */
    long serial;            /* the serial number; 0: 1 */
    const char *usage;      /* the key's usage: "keyEncipherment", or NULL */
};
struct credentials {
    int certificate_fd, key_fd; /* memfds */
};
void credentials_make(struct credentials *c,
                      const struct credentials_spec *spec);
void credentials_close(struct credentials *c);

/* Makes a good context with a P-256 key, or with another kind. */
struct tls_context *context_make(void);
struct tls_context *context_make_of(enum key_kind kind);

/* A stream over one end of a socket pair. */
struct line {
    int near, far;
    struct stream *s;
    struct tls_context *context;
};
/* SOCKET is the size of the kernel's buffers; 0: the default. */
void line_open(struct line *l, size_t buffer, int socket);
/* Does as line_open(), over a TCP connection. */
void line_open_tcp(struct line *l, size_t buffer);
void line_secure(struct line *l);
/* Calls line_open(), then line_secure(). */
void line_secured(struct line *l, size_t buffer, int socket);
void line_secured_tcp(struct line *l, size_t buffer);
void line_close(struct line *l);
/* Closes the client's end only. */
void line_hang_up(struct line *l);

/* Defines a test with the line L. BEGIN opens the line: line_open(l, CONTROL,
 * 0). Closes the line afterwards. */
#define LineTest(suite, name, begin)                                           \
    static void suite##_##name(struct line *l);                                \
    Test(suite, name)                                                          \
    {                                                                          \
        struct line one, *l = &one;                                            \
                                                                               \
        begin;                                                                 \
        suite##_##name(l);                                                     \
        line_close(l);                                                         \
    }                                                                          \
    static void suite##_##name(struct line *l)

/* Each calls a function of the stream until the result isn't STREAM_AGAIN. */
enum stream_state line_handshake(struct line *l);
enum stream_state line_read(struct line *l, void *into, size_t len,
                            size_t *got);
enum stream_state line_write_all(struct line *l, const void *from, size_t len);
enum stream_state line_flush(struct line *l);
enum stream_state line_shutdown(struct line *l);

/* A client in a thread at the line's other end. It makes the handshake and runs
 * PLAY; then the thread ends. */
struct peer {
    struct tls_client_options options;
    void (*play)(struct tls_client *c, struct peer *p);
    int fd;
    bool shaken;     /* the handshake succeeded */
    bool ok;         /* for PLAY to set */
    long last;       /* for PLAY to set */
    size_t bytes;    /* for PLAY to set or read */
    char error[256]; /* tls_client_error() at the client's end */
    char cipher[64];
    char protocol[32];
    long serial; /* of the server's certificate */
    pthread_t thread;
};
void peer_start(struct peer *p, struct line *l);
void peer_join(struct peer *p);

/* Connects the client to a new stream with T, makes the handshake, and closes
 * the stream. */
void peer_meet(struct peer *p, struct tls_context *t);

/* Opens both ends: a secured line with a client that runs PLAY. */
void line_with_peer(struct line *l, struct peer *p, size_t buffer, int socket);

/* Makes a pattern that shows if bytes are lost, doubled or moved. */
void pattern_fill(unsigned char *into, size_t len, size_t at);
bool pattern_holds(const unsigned char *bytes, size_t len, size_t at);

/* Functions for peer.play. play_read_all() sets bytes, last and ok.
 * play_write_all() writes as many bytes as p->bytes, and then ends TLS. */
void play_nothing(struct tls_client *c, struct peer *p);
void play_read_all(struct tls_client *c, struct peer *p);
void play_write_all(struct tls_client *c, struct peer *p);

#endif
