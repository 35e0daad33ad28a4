/* The parts of a stream, for stream.c (plain and TLS) and secure.c (TLS). */
#ifndef TLS_STREAM_INSIDE_H
#define TLS_STREAM_INSIDE_H

#include <openssl/ssl.h>

#include "io.h"
#include "sallyport/base/buf.h"
#include "sallyport/tls/stream.h"

struct stream {
    struct io io;
    SSL *ssl; /* NULL: plain */
    enum stream_use use;
    enum ticket_origin shown; /* the origin of the client's ticket */
    bool open;                /* the handshake is over */
    bool ktls;                /* the kernel encrypts since the handshake */
    bool parted;              /* kTLS: our close_notify is sent */
    bool broken;              /* stream_free() is the only call left */
    bool heard;               /* this call has made its one recv(2) */
    enum stream_state end;    /* of reading: CLOSED or CUT; OK until then */
    bool fin;                 /* the end was a FIN, not a reset */
    bool told;                /* stream_read() has reported the end */
    uint32_t events;
    char cipher[64];
    char cause[160];
    struct buf proof; /* the handshake's messages, for stream_proof() */
    bool unproved;    /* they are too long, useless, or forgotten */
};

/* Every public call begins with it. False: the stream is broken. */
bool stream_begin(struct stream *s);
/* The result of a failed call on the socket: CUT or FAILED. */
enum stream_state stream_failed(struct stream *s, int error);
/* Marks the stream as broken and keeps the cause. Returns STREAM_FAILED. */
enum stream_state stream_break(struct stream *s, const char *cause);
/* Sends the buffered bytes: OK, AGAIN, CUT or FAILED. */
enum stream_state stream_send(struct stream *s);
/* Fills the input: OK, AGAIN, CUT or FAILED. It calls recv(2) at most once in
 * each public call, so that a peer that sends without end can't keep the
 * caller. At the end of the stream the result is AT_END. */
enum stream_state stream_receive(struct stream *s, enum stream_state at_end);

enum stream_state secure_handshake(struct stream *s);
enum stream_state secure_read(struct stream *s, unsigned char *into, size_t len,
                              size_t *got);
enum stream_state secure_write(struct stream *s, const unsigned char *from,
                               size_t len, size_t *took);
/* Is a record incomplete: has it begun and not ended? */
bool secure_is_within(const struct stream *s);
enum stream_state secure_shutdown(struct stream *s);

/* ktls.c: ktls_begin() is called when a handshake is over. */
void ktls_begin(struct stream *s);
enum stream_state ktls_shutdown(struct stream *s);

/* client.c: client_ask() is called before the handshake, and asks for a
 * certificate where one is wanted. client_keep() is called when the handshake
 * is over. */
void client_ask(struct stream *s);
void client_keep(struct stream *s);
/* Why OpenSSL refused the client's certificate, or NULL. */
const char *client_refused(const struct stream *s);

/* refusal.c: what ERROR means and what an administrator can do about it; or
 * NULL. */
const char *refusal_words(unsigned long error);

/* resume.c: resume_keep() is called when a handshake is over. */
void resume_keep(struct stream *s);
enum ticket_origin resume_origin(const struct stream *s);
enum stream_state resume_offer_ticket(struct stream *s);

#endif
