/* A client's certificate on one connection: requested, compared and reported.
 * Runs in session, within OpenSSL's handshakes. OpenSSL has verified the
 * certificate, but for other processes that is only this process's word, and an
 * attacker inside it could say the same. So the handshake's messages are kept,
 * and auth verifies them (sallyport/proof). */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "context_inside.h"
#include "sallyport/domain/proof.h"
#include "sallyport/tls/client.h"
#include "stream_inside.h"

/* A TLS 1.3 request contains the session's number, so that the client's
 * signature is valid for this session only. Clients must ignore the unknown
 * extension (RFC 8446 4.3.2); GREASE (RFC 8701) keeps them able to. */
static int add_serial(SSL *ssl, unsigned type, unsigned context,
                      const unsigned char **out, size_t *len, X509 *x,
                      size_t index, int *alert, void *unused)
{
    const struct stream *s = SSL_get_app_data(ssl);

    (void)type;
    (void)context;
    (void)x;
    (void)index;
    (void)alert;
    (void)unused;
    if (!s || s->use != STREAM_CONTROL)
        return 0;
    *out = context_of(ssl)->serial;
    *len = PROOF_SERIAL_BYTES;
    return 1;
}

int client_set(SSL_CTX *ssl)
{
    return SSL_CTX_add_custom_ext(ssl, PROOF_EXTENSION,
                                  SSL_EXT_TLS1_3_CERTIFICATE_REQUEST |
                                      SSL_EXT_TLS1_3_ONLY,
                                  add_serial, NULL, NULL, NULL, NULL) == 1
               ? 0
               : -EINVAL;
}

static void drop_proof(struct stream *s)
{
    buf_release(&s->proof);
    s->unproved = true;
}

static void client_on_message(int written, int version, int type,
                              const void *bytes, size_t len, SSL *ssl,
                              void *owner)
{
    struct stream *s = owner;

    (void)written;
    (void)version;
    (void)ssl;
    if (type != SSL3_RT_HANDSHAKE || s->open || s->unproved)
        return;
    if (buf_add(&s->proof, bytes, len) < 0)
        drop_proof(s);
}

void tls_context_serial(struct tls_context *t, uint64_t serial)
{
    proof_write_serial(serial, t->serial);
}

void client_ask(struct stream *s)
{
    const struct tls_context *t = context_of(s->ssl);

    if (s->use == STREAM_DATA) {
        if (t->client)
            SSL_set_verify(s->ssl, SSL_VERIFY_PEER, NULL);
        return;
    }
    if (t->clients == CLIENTS_OFF)
        return;
    SSL_set_verify(s->ssl,
                   t->clients == CLIENTS_REQUIRE
                       ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                       : SSL_VERIFY_PEER,
                   NULL);
    buf_init(&s->proof, CLIENT_PROOF_MAX);
    SSL_set_msg_callback(s->ssl, client_on_message);
    SSL_set_msg_callback_arg(s->ssl, s);
}

void client_keep(struct stream *s)
{
    struct tls_context *t = context_of(s->ssl);

    if (s->use != STREAM_CONTROL)
        return;
    SSL_set_msg_callback(s->ssl, NULL);
    X509_free(t->client);
    t->client = SSL_get1_peer_certificate(s->ssl);
    if (!t->client || SSL_version(s->ssl) < TLS1_3_VERSION)
        drop_proof(s);
}

const char *client_refused(const struct stream *s)
{
    unsigned long e = ERR_peek_last_error();

    if (ERR_GET_LIB(e) != ERR_LIB_SSL ||
        ERR_GET_REASON(e) != SSL_R_CERTIFICATE_VERIFY_FAILED)
        return NULL;
    return X509_verify_cert_error_string(SSL_get_verify_result(s->ssl));
}

bool stream_same_client(const struct stream *s)
{
    const X509 *first = s->ssl ? context_of(s->ssl)->client : NULL;

    if (!first)
        return true;
    const X509 *mine = s->open ? SSL_get0_peer_certificate(s->ssl) : NULL;
    return mine && SSL_get_verify_result(s->ssl) == X509_V_OK &&
           X509_cmp(first, mine) == 0;
}

/* client_keep() has dropped what is no proof. */
struct slice stream_proof(const struct stream *s)
{
    return s->open ? buf_slice(&s->proof) : SLICE("");
}

void stream_forget_proof(struct stream *s)
{
    drop_proof(s);
}
