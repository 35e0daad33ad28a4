/* A server's TLS context. Gate makes it once, and each session that gate forks
 * inherits it. */
#include "context_inside.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "bio.h"
#include "remote.h"
#include "sallyport/base/random.h"

struct tls_context *context_of(const SSL *ssl)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

static int load_pairs(struct tls_context *t, const struct tls_pair *pairs,
                      size_t count, struct complaint *c)
{
    if (count == 0 || count > CERTIFICATES_MAX)
        return complain(c, "%zu certificates: 1 to %d are possible", count,
                        CERTIFICATES_MAX);
    for (size_t i = 0; i < count; i++) {
        t->count++;
        if (identity_load(&t->identity[i], &pairs[i], &t->signer, c) != 0)
            return -EINVAL;
    }
    staple_set(t);
    return choose_set(t, pairs, c);
}

static int set_up(struct tls_context *t, const struct tls_pair *pairs,
                  size_t count, const struct tls_policy *policy,
                  struct complaint *c)
{
    ERR_clear_error();
    t->bio = bio_method();
    t->ssl = SSL_CTX_new(TLS_server_method());
    t->provider = remote_load();
    if (!t->provider || !t->bio || !t->ssl || policy_set(t->ssl, policy) != 0 ||
        resume_set(t->ssl, t) != 0)
        return complain(c, "OpenSSL can't be set up: %s",
                        tls_error(ERR_peek_error()));
    int r = load_pairs(t, pairs, count, c);
    if (r == 0)
        r = probe_keys(t, c);
    return r != 0 ? r : warm_up(t, c);
}

struct tls_context *tls_context_new(const struct tls_pair *pairs, size_t count,
                                    const struct tls_policy *policy,
                                    const struct signer *signer,
                                    struct complaint *c)
{
    struct tls_context *t = calloc(1, sizeof(*t));
    if (!t) {
        complain(c, "no memory for TLS");
        return NULL;
    }
    t->signer = *signer;
    ticket_keys_init(&t->keys);
    random_bytes(&t->own, sizeof(t->own));
    if (set_up(t, pairs, count, policy, c) != 0) {
        tls_context_free(t);
        t = NULL;
    }
    ERR_clear_error();
    return t;
}

bool tls_context_pair(const struct tls_context *t, size_t i,
                      struct tls_pair_facts *ret)
{
    const struct identity *id = &t->identity[i];

    if (i >= t->count)
        return false;
    *ret = (struct tls_pair_facts){ .number = id->number,
                                    .name = id->name,
                                    .expires = identity_expires(id),
                                    .staple_until = id->staple.until,
                                    .unstapled = id->unstapled,
                                    .wants_staple = staple_wanted(id->leaf) };
    return true;
}

void tls_context_signer(struct tls_context *t, const struct signer *signer)
{
    t->signer = *signer;
}

void tls_context_free(struct tls_context *t)
{
    if (!t)
        return;
    SSL_SESSION_free(t->kept);
    X509_free(t->client);
    SSL_CTX_free(t->ssl);
    for (size_t i = 0; i < t->count; i++)
        identity_free(&t->identity[i]);
    date_release(&t->client_ca);
    date_release(&t->client_crl);
    if (t->provider)
        OSSL_PROVIDER_unload(t->provider);
    BIO_meth_free(t->bio);
    explicit_bzero(t, sizeof(*t));
    free(t);
}
