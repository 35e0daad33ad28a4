/* A server's TLS context: its versions, suites and options, its certificates
 * and its tickets. Gate makes it once before its sandbox closes, and each
 * session that gate forks inherits it. Groups and signature algorithms are
 * OpenSSL's defaults, so that a newer OpenSSL brings newer algorithms. */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "sallyport/base/random.h"
#include "tls.h"

/* 112 bits of security: RSA and DH from 2048 bits, EC from 224. */
#define SECURITY_LEVEL 2

/* Turns off the compression of certificates (RFC 8879), which OpenSSL has
 * from 3.2 on. Auth verifies a proof (sallyport/proof) by the messages as they
 * were sent, and the server decompresses nothing for a client that hasn't
 * logged in. */
#ifdef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION
#define NO_PACKED_CERTIFICATES                                                 \
    (SSL_OP_NO_RX_CERTIFICATE_COMPRESSION |                                    \
     SSL_OP_NO_TX_CERTIFICATE_COMPRESSION)
#else
#define NO_PACKED_CERTIFICATES 0
#endif

#define OPTIONS                                                                \
    (SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |                         \
     SSL_OP_CIPHER_SERVER_PREFERENCE | NO_PACKED_CERTIFICATES)

/* Options that a system's openssl.cnf can have turned on. An end without
 * close_notify must stay an error, or a cut file would look complete. A resumed
 * session must have a secret of its own, or a thief of the ticket keys could
 * read recorded traffic. */
#define NOT_OPTIONS                                                            \
    (SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_LEGACY_SERVER_CONNECT |             \
     SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION |                                \
     SSL_OP_NO_EXTENDED_MASTER_SECRET | SSL_OP_ENABLE_KTLS |                   \
     SSL_OP_ALLOW_NO_DHE_KEX | SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_TICKET |   \
     SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3)

/* Chooses the protocol. If a client offers protocols, but not "ftp", an
 * attacker who mixes protocols has sent it here (ALPACA; RFC 7301 3.2). The
 * same is true on data connections: FileZilla offers "ftp-data" there, but only
 * to a server that has chosen FileZilla's own "x-filezilla-ftp" on the control
 * connection. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen,
                           unsigned char *chosen_len,
                           const unsigned char *offer, unsigned offer_len,
                           void *unused)
{
    static const unsigned char ftp[] = { 3, 'f', 't', 'p' };
    (void)ssl;
    (void)unused;
    for (unsigned at = 0; at + sizeof(ftp) <= offer_len; at += offer[at] + 1u) {
        if (memcmp(offer + at, ftp, sizeof(ftp)) != 0)
            continue;
        *chosen = offer + at + 1;
        *chosen_len = offer[at];
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* OpenSSL's names of the cipher suites, the preferred ones first. All have
 * forward secrecy and authenticated encryption (RFC 9325 4.2). AES-128 comes
 * first, since it is the fastest, and strong enough. */
static const char *const suite_names[SUITES_COUNT][TLS_VERSIONS] = {
    [SUITES_ALL] = { "ECDHE-ECDSA-AES128-GCM-SHA256:"
                     "ECDHE-RSA-AES128-GCM-SHA256:"
                     "ECDHE-ECDSA-AES256-GCM-SHA384:"
                     "ECDHE-RSA-AES256-GCM-SHA384:"
                     "ECDHE-ECDSA-CHACHA20-POLY1305:"
                     "ECDHE-RSA-CHACHA20-POLY1305",
                     "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                     "TLS_CHACHA20_POLY1305_SHA256" },
    [SUITES_AES256] = { "ECDHE-ECDSA-AES256-GCM-SHA384:"
                        "ECDHE-RSA-AES256-GCM-SHA384",
                        "TLS_AES_256_GCM_SHA384" },
};

int policy_set(SSL_CTX *ssl, const struct tls_policy *policy)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

    if (policy->least >= TLS_VERSIONS || policy->suites >= SUITES_COUNT ||
        !SSL_CTX_set_min_proto_version(ssl, versions[policy->least]) ||
        !SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) ||
        !SSL_CTX_set_cipher_list(ssl, suite_names[policy->suites][TLS_12]) ||
        !SSL_CTX_set_ciphersuites(ssl, suite_names[policy->suites][TLS_13]))
        return -EINVAL;
    if (SSL_CTX_get_security_level(ssl) < SECURITY_LEVEL)
        SSL_CTX_set_security_level(ssl, SECURITY_LEVEL);
    SSL_CTX_set_options(ssl, OPTIONS);
    SSL_CTX_clear_options(ssl, NOT_OPTIONS);
    SSL_CTX_set_max_early_data(ssl, 0);
    SSL_CTX_set_recv_max_early_data(ssl, 0);
    SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, NULL);
    return 0;
}

struct tls_context *context_of(const SSL *ssl)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
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
    if (count == 0 || count > CERTIFICATES_MAX)
        return complain(c, "%zu certificates: 1 to %d are possible", count,
                        CERTIFICATES_MAX);
    for (size_t i = 0; i < count; i++)
        if (identity_load(t, &pairs[i], c) != 0)
            return -EINVAL;
    int r = choose_set(t, pairs, c);
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
    random_bytes(&t->keys, sizeof(t->keys));
    random_bytes(&t->own, sizeof(t->own));
    if (set_up(t, pairs, count, policy, c) != 0) {
        tls_context_free(t);
        t = NULL;
    }
    ERR_clear_error();
    return t;
}

int date_note(struct tls_context *t, const struct tls_date *d, int64_t before)
{
    struct tls_date *more =
        reallocarray(t->date, t->dates + 1, sizeof(*t->date));

    if (!more)
        return -ENOMEM;
    t->date = more;
    more[t->dates] = *d;
    more[t->dates++].warn = d->expires - before;
    return 0;
}

bool tls_context_date(const struct tls_context *t, size_t i,
                      struct tls_date *ret)
{
    if (i >= t->dates)
        return false;
    *ret = t->date[i];
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
    for (size_t i = 0; i < t->count; i++) {
        X509_free(t->identity[i].leaf);
        sk_X509_pop_free(t->identity[i].chain, X509_free);
        EVP_PKEY_free(t->identity[i].key);
        free(t->identity[i].name);
        free(t->identity[i].key_name);
    }
    free(t->ca_name);
    free(t->crl_name);
    free(t->date);
    if (t->provider)
        OSSL_PROVIDER_unload(t->provider);
    BIO_meth_free(t->bio);
    explicit_bzero(t, sizeof(*t));
    free(t);
}
