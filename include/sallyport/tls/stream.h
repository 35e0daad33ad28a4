/* A byte stream over a non-blocking socket, plain or TLS: control and data
 * channels are the same type. Never waits. */
#ifndef SALLYPORT_TLS_STREAM_H
#define SALLYPORT_TLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/tls/ticket.h"

struct stream;
struct tls_context;

enum stream_state {
    STREAM_OK,
    STREAM_AGAIN,  /* wait for stream_events(), then call again */
    STREAM_CLOSED, /* the peer ended it in order: close_notify (plain: FIN) */
    STREAM_CUT,    /* FIN without close_notify, or a reset */
    STREAM_FAILED  /* TLS alert or error; only free it */
};

/* FD stays the caller's. Buffers grow to BUFFER bytes each way when used: 16
 * KiB and more for a control channel, 512 KiB for data. NULL: no memory. */
struct stream *stream_plain(int fd, size_t buffer);
void stream_free(struct stream *s); /* NULL is fine */

/* A control channel never resumes a TLS session. */
enum stream_use { STREAM_CONTROL, STREAM_DATA };

/* Turns it into the server side of TLS from the next byte on. -EBUSY while
 * plain bytes are buffered in either direction, -ENOMEM. The context must
 * outlive it. */
int stream_secure(struct stream *s, struct tls_context *t, enum stream_use use);
bool stream_is_secure(const struct stream *s);

/* Before the handshake of a data channel over which a file shall go as it is:
 * the kernel may seal what is sent (kTLS), if it can. -ENOMEM. */
int stream_let_kernel(struct stream *s);
/* It does, since the handshake: stream_send_file() and stream_shutdown() are
 * what such a stream is for, and stream_write() isn't. */
bool stream_kernel_seals(const struct stream *s);
/* Sends up to LEN bytes of the file FD from OFFSET on; *took may be less, and
 * with STREAM_OK it is 0 only where the file ends. STREAM_FAILED: it can't be
 * read. */
enum stream_state stream_send_file(struct stream *s, int fd, uint64_t offset,
                                   size_t len, size_t *took);

enum stream_state stream_handshake(struct stream *s);
/* Of a data channel, after its handshake: whose TLS session it resumed. */
enum ticket_origin stream_origin(const struct stream *s);
/* Gives the client one more ticket of the context's owner, in front of what is
 * written next. TLS 1.2 has none to give, and a full buffer no room: STREAM_OK
 * as well. */
enum stream_state stream_offer_ticket(struct stream *s);
/* Up to LEN bytes, as many as are there; *got > 0 with STREAM_OK. */
enum stream_state stream_read(struct stream *s, void *into, size_t len,
                              size_t *got);
/* Takes bytes into the gathered buffer and sends when that is full. *took may
 * be less than LEN (with STREAM_AGAIN: the buffer is full, 0 taken). */
enum stream_state stream_write(struct stream *s, const void *from, size_t len,
                               size_t *took);
/* Sends what is gathered. */
enum stream_state stream_flush(struct stream *s);
/* close_notify and the flush of it (plain: the flush); then STREAM_OK. */
enum stream_state stream_shutdown(struct stream *s);
/* Throws away what is gathered and not yet sent: a cut, on purpose. */
void stream_drop(struct stream *s);

/* EPOLLIN, EPOLLOUT: what the last STREAM_AGAIN waits for. */
uint32_t stream_events(const struct stream *s);
/* Received bytes wait inside, so the socket may stay silent. */
bool stream_pending(const struct stream *s);
/* Bytes are gathered that are not sent. */
bool stream_unsent(const struct stream *s);

/* Bytes that went over the socket, both ways, so far: shows whether a peer is
 * slow or stands still. */
uint64_t stream_traffic(const struct stream *s);
/* Memory of what of that the peer hasn't got yet: a slow one makes it less for
 * minutes before the socket takes more. */
size_t stream_queued(const struct stream *s);

/* Why the last call failed, for the log; "" if it didn't. */
const char *stream_cause(const struct stream *s);
/* After STREAM_CUT under TLS: a FIN behind a whole record. Anybody on the way
 * may have sent it; a reset, or an end within a record, is none. */
bool stream_bare_fin(const struct stream *s);
/* The host that the client has asked for in its handshake (SNI, RFC 6066 3), as
 * it wrote it; NULL: none, or no TLS. Lives as long as the stream. Of a data
 * channel it means nothing: clients send the host, its address, or none. */
const char *stream_asked(const struct stream *s);
/* "TLSv1.3 TLS_AES_128_GCM_SHA256", with " resumed" and " ktls" (the kernel
 * seals) behind it, or "plain". */
const char *stream_cipher(const struct stream *s);

#endif
