/* A server's TLS context, made once in gate and inherited by each session that
 * gate forks. Must never be made anew behind a cage: the making may open files
 * (OpenSSL's configuration). */
#include "context_inside.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "bio.h"
#include "remote.h"

const char *tls_error(unsigned long error)
{
    const char *reason = ERR_reason_error_string(error);
    return reason ? reason : "unknown error";
}

static int set_up(struct tls_context *t, const struct tls_pair *pair,
                  struct complaint *c)
{
    ERR_clear_error();
    t->bio = bio_method();
    t->ssl = SSL_CTX_new(TLS_server_method());
    t->provider = remote_load();
    if (!t->provider || !t->bio || !t->ssl || policy_set(t->ssl) != 0)
        return complain(c, "OpenSSL can't be set up: %s",
                        tls_error(ERR_peek_error()));
    int r = pem_load(t, pair, c);
    return r != 0 ? r : warm_up(t->ssl, pair->certificate, c);
}

struct tls_context *tls_context_new(const struct tls_pair *pair,
                                    const struct signer *signer,
                                    struct complaint *c)
{
    struct tls_context *t = calloc(1, sizeof(*t));
    if (!t) {
        complain(c, "no memory for TLS");
        return NULL;
    }
    t->signer = *signer;
    if (set_up(t, pair, c) != 0) {
        tls_context_free(t);
        t = NULL;
    }
    ERR_clear_error();
    return t;
}

void tls_context_signer(struct tls_context *t, const struct signer *signer)
{
    t->signer = *signer;
}

void tls_context_free(struct tls_context *t)
{
    if (!t)
        return;
    SSL_CTX_free(t->ssl);
    if (t->provider)
        OSSL_PROVIDER_unload(t->provider);
    BIO_meth_free(t->bio);
    free(t);
}
