/* What a stream is made of: for stream.c (both kinds) and secure.c (TLS). */
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
    enum ticket_origin shown; /* of the ticket that the client has shown */
    bool open;                /* the handshake is over */
    bool kernel;              /* which seals what is sent, from then on */
    bool parted;              /* and our close_notify */
    bool broken;              /* only stream_free() is left */
    bool heard;               /* one recv(2) was made in this call */
    enum stream_state end; /* of reading: CLOSED or CUT; OK while it goes on */
    bool fin;              /* it was a FIN, not a reset */
    bool told;             /* stream_read() has reported the end */
    uint32_t events;
    char cipher[64];
    char cause[160];
    struct buf proof; /* the handshake's messages, if it has a client's
                         certificate and isn't too long */
    bool unproved;    /* it was too long, is of no use, or was forgotten */
};

/* Each call of the door begins so; false once there is nothing left to do. */
bool stream_begin(struct stream *s);
/* An error of the socket: CUT or FAILED. */
enum stream_state stream_failed(struct stream *s, int error);
/* Marks it broken, with the cause. Returns STREAM_FAILED. */
enum stream_state stream_break(struct stream *s, const char *cause);
/* Sends what is gathered: OK, AGAIN, CUT, FAILED. */
enum stream_state stream_send(struct stream *s);
/* Fills the input: OK, AGAIN, CUT, FAILED. At most once in a call of the door,
 * so that no peer can keep the caller by sending without end. An end of the
 * stream is AT_END. */
enum stream_state stream_receive(struct stream *s, enum stream_state at_end);

enum stream_state secure_handshake(struct stream *s);
enum stream_state secure_read(struct stream *s, unsigned char *into, size_t len,
                              size_t *got);
enum stream_state secure_write(struct stream *s, const unsigned char *from,
                               size_t len, size_t *took);
/* Has a record begun and not ended? */
bool secure_is_within(const struct stream *s);
enum stream_state secure_shutdown(struct stream *s);

/* kernel.c */
void kernel_begin(struct stream *s); /* a handshake is over */
enum stream_state kernel_shutdown(struct stream *s);

/* client.c: asks for a certificate, where that is to be; and when the handshake
 * is over. */
void client_ask(struct stream *s);
void client_keep(struct stream *s);
/* Why OpenSSL refused the one that was shown, or NULL. */
const char *client_refused(const struct stream *s);

/* refusal.c: an error of OpenSSL, and what an administrator can do; or NULL. */
const char *refusal_words(unsigned long error);

/* resume.c */
void resume_keep(struct stream *s); /* a handshake is over */
enum ticket_origin secure_origin(const struct stream *s);
enum stream_state secure_offer_ticket(struct stream *s);

#endif
