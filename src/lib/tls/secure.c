/* The TLS side of a stream. Runs in session, with the peer's bytes. It writes
 * records into the output buffer and reads them from the input buffer. It
 * reaches the socket only through stream_send() and stream_receive(), and never
 * calls OpenSSL again after a failure. */
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "tls.h"

#define RECORD_MAX SSL3_RT_MAX_PLAIN_LENGTH
/* The most bytes that TLS adds to a record's data: the peer can have asked for
 * fragments of 512 bytes, each with 29 further bytes, and a KeyUpdate or an
 * alert can precede the data. With this much room SSL_write() never stops
 * half-way. */
#define OVERHEAD 1024u

int stream_secure(struct stream *s, struct tls_context *t, enum stream_use use)
{
    if (s->ssl || io_received(&s->io) || io_unsent(&s->io))
        return -EBUSY;

    SSL *ssl = SSL_new(t->ssl);
    BIO *bio = ssl ? bio_over(t->bio, &s->io) : NULL;
    if (!bio) {
        SSL_free(ssl);
        return -ENOMEM;
    }
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    SSL_set_app_data(ssl, s);
    /* Control channels wipe plain text and keep no record buffers: passwords
     * pass through them, and many are idle. On data channels both options would
     * cost more than they save. */
    if (s->io.size <= IO_SMALL) {
        SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
        SSL_set_options(ssl, SSL_OP_CLEANSE_PLAINTEXT);
    }
    s->ssl = ssl;
    s->use = use;
    client_ask(s);
    return 0;
}

#define HTTP                                                                   \
    "HTTP instead of TLS: a browser or a health check at the wrong port"

/* Says why a handshake failed, and what an administrator can do about it. */
static const struct {
    int reason; /* OpenSSL's number */
    const char *words;
} refusals[] = {
    { SSL_R_TLSV1_ALERT_UNKNOWN_CA,
      "the client doesn't trust the certificate (alert unknown_ca); give it "
      "the CA's certificate" },
    { SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,
      "the client refuses the certificate (alert bad_certificate); check its "
      "names and its chain" },
    { SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
      "the client refuses the certificate (alert certificate_unknown); check "
      "its names, its chain and its CA" },
    { SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
      "the client finds the certificate expired (alert certificate_expired); "
      "renew it, or set the client's clock" },
    { SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED,
      "the client finds the certificate revoked (alert certificate_revoked); "
      "get a new one" },
    { SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
      "the client can't use this kind of certificate (alert "
      "unsupported_certificate)" },
    { SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
      "the client ended the handshake (alert handshake_failure): it refuses "
      "the certificate, or the parameters" },
    { SSL_R_UNSUPPORTED_PROTOCOL,
      "the client offers only TLS versions below tls_min" },
    { SSL_R_HTTP_REQUEST, HTTP },
    { SSL_R_HTTPS_PROXY_REQUEST, HTTP },
    { SSL_R_WRONG_VERSION_NUMBER,
      "no TLS but plain text; if the port is one of implicit TLS, set the "
      "client to that" },
};

#ifndef SSL_R_RECORD_LAYER_FAILURE /* before OpenSSL 3.2 */
#define SSL_R_RECORD_LAYER_FAILURE 313
#endif

/* Breaks the stream, with the last error of the queue as the cause: this is the
 * error of the TLS layer, while the first error can be a cipher's.
 * RECORD_LAYER_FAILURE doesn't count, since it only repeats an earlier error.
 * Tries once to send the output, which contains an alert with the reason. */
static enum stream_state fail_tls(struct stream *s)
{
    unsigned long last = 0, error;
    const char *words;
    char cause[160];

    while ((error = ERR_get_error()) != 0)
        if (ERR_GET_LIB(error) != ERR_LIB_SSL ||
            ERR_GET_REASON(error) != SSL_R_RECORD_LAYER_FAILURE)
            last = error;
    (void)io_send(&s->io);
    words = tls_error(last);
    if (ERR_GET_LIB(last) != ERR_LIB_SSL)
        return stream_break(s, words);
    if (ERR_GET_REASON(last) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        snprintf(cause, sizeof(cause), "the client's certificate: %s",
                 X509_verify_cert_error_string(SSL_get_verify_result(s->ssl)));
        return stream_break(s, cause);
    }
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (ERR_GET_REASON(last) == refusals[i].reason)
            words = refusals[i].words;
    return stream_break(s, words);
}

/* Does what OpenSSL needs after ERROR. Returns STREAM_OK if the caller can
 * repeat its call at once. Before a wait for the peer, sends the output, since
 * the peer can be waiting for the output. */
static enum stream_state settle_error(struct stream *s, int error)
{
    switch (error) {
    case SSL_ERROR_WANT_READ:
        if (!s->patient)
            (void)io_send(&s->io);
        return stream_receive(s, STREAM_CUT);
    case SSL_ERROR_WANT_WRITE:
        return stream_send(s);
    default:
        /* Has the peer closed? Java sends user_canceled before close_notify;
         * then OpenSSL 3.2 and later give SSL_ERROR_SYSCALL and no error in the
         * queue. (A fatal alert, which ends the reading too, is an error in the
         * queue.) */
        if (error == SSL_ERROR_ZERO_RETURN ||
            (error == SSL_ERROR_SYSCALL && ERR_peek_error() == 0 &&
             (SSL_get_shutdown(s->ssl) & SSL_RECEIVED_SHUTDOWN)))
            return s->end = STREAM_CLOSED;
        return fail_tls(s);
    }
}

/* Refuses TLS 1.2 without the extended master secret: an attacker could make
 * two TLS 1.2 sessions share their keys (RFC 7627), and the binding of data
 * connections would prove nothing. Doesn't refuse the ClientHello already:
 * scanners don't offer the extension, and would find no TLS 1.2 here. The alert
 * is plain text, since it replaces OpenSSL's last flight, which would have
 * turned encryption on. */
static enum stream_state refuse_without_ems(struct stream *s)
{
    static const unsigned char alert[] = {
        SSL3_RT_ALERT, TLS1_2_VERSION >> 8,     TLS1_2_VERSION & 0xff, 0, 2,
        SSL3_AL_FATAL, SSL_AD_HANDSHAKE_FAILURE
    };

    io_drop(&s->io);
    (void)io_put(&s->io, alert, sizeof(alert));
    (void)io_send(&s->io);
    return stream_break(s, "no extended master secret");
}

/* After half a flight, and in TLS 1.3 after the client's last flight, the
 * server has nothing to send, so the kernel would delay its acknowledgement by
 * 40 ms. A peer with Nagle's algorithm waits for the acknowledgement before it
 * sends more. On a data channel bytes usually follow the last flight at once,
 * or are here already; there the acknowledgement would cost 1 % of a small
 * file. */
enum stream_state secure_handshake(struct stream *s)
{
    enum stream_state st = STREAM_OK;
    bool received = false;
    while (st == STREAM_OK && !s->open) {
        ERR_clear_error();
        int r = SSL_do_handshake(s->ssl);
        s->owes = received && !io_unsent(&s->io);
        if (r != 1 || s->use == STREAM_CONTROL)
            stream_acknowledge(s);
        if (r == 1) {
            if (SSL_version(s->ssl) < TLS1_3_VERSION &&
                SSL_get_extms_support(s->ssl) != 1)
                return refuse_without_ems(s);
            snprintf(s->cipher, sizeof(s->cipher), "%s %s%s",
                     SSL_get_version(s->ssl), SSL_get_cipher_name(s->ssl),
                     SSL_session_reused(s->ssl) ? " resumed" : "");
            s->open = true;
            resume_keep(s);
            client_keep(s);
            return stream_send(s);
        }
        st = settle_error(s, SSL_get_error(s->ssl, r));
        received = st == STREAM_OK;
    }
    return st == STREAM_OK ? stream_send(s) : st;
}

/* Reads all records that have arrived, so that one recv(2) fills a large buffer
 * of the caller. If an end follows the records, the next call reports it. */
enum stream_state secure_read(struct stream *s, unsigned char *into, size_t len,
                              size_t *got)
{
    if (!s->open)
        return stream_break(s, "no handshake yet");
    while (*got < len) {
        size_t n = 0;
        ERR_clear_error();
        int r = SSL_read_ex(s->ssl, into + *got, len - *got, &n);
        *got += n;
        if (r == 1)
            continue;
        int error = SSL_get_error(s->ssl, r);
        if (*got > 0 &&
            (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE))
            return STREAM_OK;
        enum stream_state st = settle_error(s, error);
        if (st != STREAM_OK)
            return *got > 0 ? STREAM_OK : st;
    }
    return STREAM_OK;
}

/* Returns true within a record: either bytes are pending, or OpenSSL has read
 * the header and waits for the body: then SSL_rstate_string() is "RB", not
 * "RH". */
bool secure_is_within(const struct stream *s)
{
    return SSL_has_pending(s->ssl) ||
           strcmp(SSL_rstate_string(s->ssl), "RH") != 0;
}

static enum stream_state make_room(struct stream *s, size_t len)
{
    return io_room(&s->io) < len + OVERHEAD ? stream_send(s) : STREAM_OK;
}

enum stream_state secure_write(struct stream *s, const unsigned char *from,
                               size_t len, size_t *took)
{
    if (!s->open)
        return stream_break(s, "no handshake yet");
    s->patient = false;
    while (*took < len) {
        /* Make smaller records for a small buffer, but cut no record to fit the
         * remaining room. */
        size_t n = len - *took;
        if (n > RECORD_MAX)
            n = RECORD_MAX;
        if (n > s->io.size - OVERHEAD)
            n = s->io.size - OVERHEAD;
        enum stream_state st = make_room(s, n);
        if (st != STREAM_OK)
            return st == STREAM_AGAIN && *took > 0 ? STREAM_OK : st;
        ERR_clear_error();
        if (SSL_write_ex(s->ssl, from + *took, n, &n) != 1)
            return fail_tls(s);
        *took += n;
    }
    return STREAM_OK;
}

enum stream_state secure_shutdown(struct stream *s)
{
    if (SSL_get_shutdown(s->ssl) & SSL_SENT_SHUTDOWN)
        return stream_send(s);
    enum stream_state st = make_room(s, 0);
    if (st != STREAM_OK)
        return st;
    ERR_clear_error();
    if (SSL_shutdown(s->ssl) < 0)
        return fail_tls(s);
    return stream_send(s);
}
