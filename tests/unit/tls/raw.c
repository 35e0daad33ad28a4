/* Implements raw.h. One thread plays both sides, so no call blocks. */
#include "raw.h"

void raw_open(struct raw *r, int version, SSL_SESSION *session)
{
    r->ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(r->ctx, version);
    SSL_CTX_set_max_proto_version(r->ctx, version);
    r->ssl = SSL_new(r->ctx);
    r->in = BIO_new(BIO_s_mem());
    r->out = BIO_new(BIO_s_mem());
    cr_assert(r->ssl && r->in && r->out);
    SSL_set_bio(r->ssl, r->in, r->out);
    SSL_set_connect_state(r->ssl);
    if (session)
        cr_assert_eq(SSL_set_session(r->ssl, session), 1);
}

void raw_close(struct raw *r)
{
    SSL_free(r->ssl);
    SSL_CTX_free(r->ctx);
}

bool raw_step(struct raw *r)
{
    return SSL_do_handshake(r->ssl) == 1;
}

size_t raw_take(struct raw *r, void *into, size_t len)
{
    int n = BIO_read(r->out, into, (int)len);
    return n > 0 ? (size_t)n : 0;
}

void raw_hear(struct raw *r, struct line *l)
{
    char bytes[4096];
    ssize_t n;
    while ((n = recv(l->far, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        cr_assert_eq(BIO_write(r->in, bytes, (int)n), n);
}

void raw_say(struct raw *r, struct line *l)
{
    char bytes[4096];
    size_t n;
    while ((n = raw_take(r, bytes, sizeof(bytes))) > 0)
        cr_assert_eq(send(l->far, bytes, n, MSG_DONTWAIT), (ssize_t)n);
}

enum stream_state raw_handshake(struct raw *r, struct line *l)
{
    enum stream_state st = STREAM_AGAIN;
    bool over = false;
    for (int i = 0; i < 20 && (st == STREAM_AGAIN || !over); i++) {
        over = raw_step(r);
        raw_say(r, l);
        st = stream_handshake(l->s);
        raw_hear(r, l);
        if (st != STREAM_OK && st != STREAM_AGAIN)
            break;
    }
    return st;
}

void raw_shake(struct raw *r, struct line *l, int version)
{
    raw_open(r, version, NULL);
    cr_assert_eq(raw_handshake(r, l), STREAM_OK);
}
