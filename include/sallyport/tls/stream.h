/* A byte stream over a non-blocking socket, plain or TLS, for control and data
 * channels. The calls never wait. */
#ifndef SALLYPORT_TLS_STREAM_H
#define SALLYPORT_TLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/buf.h"
#include "sallyport/tls/ticket.h"

struct stream;
struct tls_context;

enum stream_state {
    STREAM_OK,
    STREAM_AGAIN,  /* wait for stream_events(), then call again */
    STREAM_CLOSED, /* orderly end: close_notify; in plain text, a FIN */
    STREAM_CUT,    /* FIN without close_notify, or a reset */
    STREAM_FAILED  /* TLS alert or error: only free it */
};

/* Makes a plain stream. FD stays the caller's. The stream has a buffer for each
 * direction, which it allocates at the first use. BUFFER is the size of one in
 * bytes: 16 KiB or more for a control channel, 512 KiB for a data channel.
 * Returns NULL if there is no memory. */
struct stream *stream_plain(int fd, size_t buffer);
void stream_free(struct stream *s); /* S may be NULL */

/* A control channel never resumes a TLS session. */
enum stream_use { STREAM_CONTROL, STREAM_DATA };

/* Makes the stream speak TLS as the server, from the next byte on. The context
 * must outlive the stream. Returns 0; -EBUSY: plain bytes are buffered in one
 * of the directions; -ENOMEM. */
int stream_secure(struct stream *s, struct tls_context *t, enum stream_use use);
bool stream_is_secure(const struct stream *s);

/* Continues the handshake; STREAM_OK once it is complete. */
enum stream_state stream_handshake(struct stream *s);
/* Returns the origin of the TLS session that a data channel has resumed. Call
 * it after the handshake. */
enum ticket_origin stream_origin(const struct stream *s);
/* Gives the client one more ticket of the owner that tls_context_owner() has
 * set. The next write sends the ticket; stream_unsent() ignores it until then.
 * Does nothing and returns STREAM_OK in TLS 1.2, and if the buffer is full. */
enum stream_state stream_offer_ticket(struct stream *s);
/* Reads up to LEN bytes, as many as there are. With STREAM_OK *got is greater
 * than 0. */
enum stream_state stream_read(struct stream *s, void *into, size_t len,
                              size_t *got);
/* Buffers up to LEN bytes, and sends whenever the buffer is full; *took is the
 * number of bytes that were buffered. STREAM_AGAIN: the buffer is full, and
 * *took is 0. */
enum stream_state stream_write(struct stream *s, const void *from, size_t len,
                               size_t *took);
/* Sends the buffered bytes. */
enum stream_state stream_flush(struct stream *s);
/* Sends all buffered bytes, with TLS also close_notify, and a FIN in the same
 * packet. Returns STREAM_OK once all has been sent. */
enum stream_state stream_shutdown(struct stream *s);

/* Returns the events (EPOLLIN, EPOLLOUT) that the last STREAM_AGAIN waits
 * for. */
uint32_t stream_events(const struct stream *s);
/* Are received bytes buffered? Then don't wait for the socket: perhaps it never
 * becomes readable again. */
bool stream_pending(const struct stream *s);
/* Are there buffered bytes that must still be sent? */
bool stream_unsent(const struct stream *s);

/* Returns the number of bytes sent and received over the socket so far. It
 * shows whether a peer is slow or has stopped. */
uint64_t stream_traffic(const struct stream *s);
/* Returns how many bytes of kernel memory hold sent data that the peer hasn't
 * acknowledged. If the peer is slow, this number falls for minutes before the
 * socket accepts more data. */
size_t stream_queued(const struct stream *s);

/* Says why the last call failed, for the log; "" if it succeeded. The text is
 * the stream's. */
const char *stream_cause(const struct stream *s);
/* After STREAM_CUT under TLS: did a FIN after a complete record end the stream?
 * Anybody on the path can have sent such a FIN. A FIN within a record doesn't
 * count. A reset doesn't count, either, since the peer's kernel then discards
 * the bytes that it hasn't sent yet. (A reset after the FIN changes nothing:
 * all bytes have come.) */
bool stream_bare_fin(const struct stream *s);
/* After STREAM_CUT: did a FIN end the stream, not a reset or a time-out? */
bool stream_has_fin(const struct stream *s);
/* Returns the host name that the client sent in its handshake (SNI, RFC 6066
 * 3), unchanged. NULL: the client sent no name, or there is no TLS. The text
 * lives as long as the stream. On a data channel the name means nothing: some
 * clients send the host, others its address or no name. */
const char *stream_server_name(const struct stream *s);
/* Returns "plain", or "TLSv1.3 TLS_AES_128_GCM_SHA256", followed by " resumed"
 * if the handshake resumed a session. The text is the stream's. */
const char *stream_cipher(const struct stream *s);

/* Limits in bytes of claims and proof, which session sends to auth in one
 * message. */
#define CLIENT_CLAIMS_MAX 4096u
#define CLIENT_PROOF_MAX  9500u

/* Appends the claims of a control channel's verified certificate, one in a
 * line: "sha256:HEX", "subject:CN=…" (RFC 4514, with a space as \20),
 * "email:…", "dns:…", "uri:…". Appends nothing if the client has shown no
 * certificate. Returns 0, 1 if some claims didn't fit, or -ENOMEM. */
int stream_claims(const struct stream *s, struct buf *into);
/* Returns all messages of the handshake, if it was TLS 1.3 and the client has
 * shown a certificate and proved that it has the key. Otherwise, or if the
 * messages are longer than CLIENT_PROOF_MAX, returns an empty slice. The bytes
 * are the stream's, valid until stream_forget_proof() or stream_free(). */
struct slice stream_proof(const struct stream *s);
/* Frees the proof, after the login. */
void stream_forget_proof(struct stream *s);

/* Has a data channel shown the certificate of the control channel? Call it
 * after the handshake. Returns true if the client has shown the same
 * certificate, if the TLS session that it resumed contains this certificate, or
 * if the control channel had no certificate. */
bool stream_same_client(const struct stream *s);

#endif
