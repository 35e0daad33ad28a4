/* Makes handshakes of gate with itself, through memory. Runs in gate before its
 * sandbox closes: after these handshakes OpenSSL has loaded all that it loads
 * on first use (providers, random generators, digests, curves, error texts),
 * and each forked session inherits it. The handshake also proves that the
 * process keys has the certificate's key. The client, which is this process,
 * verifies no name. */
#include <errno.h>
#include <openssl/err.h>
#include <stdbool.h>
#include <string.h>

#include "tls.h"

#define ROUNDS_MAX 16

/* The context's signer during these handshakes, which notes the error of the
 * real signer. */
struct probe_signer {
    struct signer signer;
    bool asked;
    int error;
};

/* Both ends of one connection. */
struct pair {
    SSL *client, *server;
};

static bool make_pair(struct pair *p, SSL_CTX *client, SSL_CTX *server)
{
    BIO *a = NULL, *b = NULL;

    p->client = SSL_new(client);
    p->server = SSL_new(server);
    if (!p->client || !p->server || BIO_new_bio_pair(&a, 0, &b, 0) != 1)
        return false;
    SSL_set_bio(p->client, a, a);
    SSL_set_bio(p->server, b, b);
    SSL_set_connect_state(p->client);
    SSL_set_accept_state(p->server);
    return true;
}

/* Returns 1: the handshake is complete; 0: this end needs the other end; -1: it
 * failed. */
static int handshake_step(SSL *ssl)
{
    int r = SSL_do_handshake(ssl);
    int error = SSL_get_error(ssl, r);

    if (r == 1)
        return 1;
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0
                                                                         : -1;
}

/* Makes the handshake. Stops when one end fails, since a further step would
 * clear OpenSSL's error. */
static bool handshake_pair(struct pair *p)
{
    for (int i = 0; i < ROUNDS_MAX; i++) {
        int c = handshake_step(p->client);
        int s = c < 0 ? -1 : handshake_step(p->server);

        if (c == 1 && s == 1)
            return true;
        if (s < 0)
            return false;
    }
    return false;
}

static bool carry_byte(SSL *from, SSL *to)
{
    char byte = 0;
    return SSL_write(from, "x", 1) == 1 && SSL_read(to, &byte, 1) == 1 &&
           byte == 'x';
}

/* Makes a handshake with this certificate only. Also makes OpenSSL load what it
 * needs for the end of a connection and for an alert's text. */
static bool warm_version(SSL_CTX *server, const struct identity *id,
                         int version)
{
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    struct pair p = { 0 };
    char byte;
    if (!client)
        return false;
    SSL_CTX_set_verify(client, SSL_VERIFY_NONE, NULL);
    bool ok = SSL_CTX_set_min_proto_version(client, version) == 1 &&
              SSL_CTX_set_max_proto_version(client, version) == 1 &&
              make_pair(&p, client, server);
    if (ok)
        SSL_certs_clear(p.server);
    ok = ok && identity_use(id, p.server) && handshake_pair(&p) &&
         carry_byte(p.client, p.server) && carry_byte(p.server, p.client);
    if (ok) {
        ok = SSL_shutdown(p.client) >= 0 && SSL_shutdown(p.server) >= 0 &&
             SSL_read(p.server, &byte, 1) == 0;
        ERR_raise(ERR_LIB_SSL, SSL_R_HTTP_REQUEST);
        (void)tls_error(ERR_peek_error());
        ERR_clear_error();
    }
    SSL_free(p.client);
    SSL_free(p.server);
    SSL_CTX_free(client);
    return ok;
}

static int probe_sign(void *owner, const struct sign_request *r,
                      struct sign_result *ret)
{
    struct probe_signer *w = owner;

    w->asked = true;
    w->error = w->signer.sign(w->signer.owner, r, ret);
    return w->error;
}

int warm_up(struct tls_context *t, struct complaint *c)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    struct probe_signer w = { .signer = t->signer };
    int r = 0;

    t->signer = (struct signer){ probe_sign, &w };
    for (size_t i = 0; r == 0 && i < 2 * t->count; i++) {
        const struct identity *id = &t->identity[i / 2];

        ERR_clear_error();
        w = (struct probe_signer){ .signer = w.signer };
        if (versions[i % 2] < SSL_CTX_get_min_proto_version(t->ssl) ||
            warm_version(t->ssl, id, versions[i % 2]))
            continue;
        /* The client verifies the signature with the certificate's key: if the
         * signer was asked, only its answer can have failed the handshake. */
        if (w.error && w.error != -EINVAL)
            r = complain(c, "%s: the process keys doesn't sign with it: %s",
                         id->key_name, strerror(-w.error));
        else if (w.asked)
            r = complain(c, "%s: not the key of the certificate in %s",
                         id->key_name, id->name);
        else
            r = complain(c, "%s: a handshake with it fails: %s", id->name,
                         tls_error(ERR_peek_error()));
    }
    t->signer = w.signer;
    return r;
}
