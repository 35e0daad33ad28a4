/* A certificate chain from PEM, and the key that stands in for the private one,
 * which is in keys. Runs in gate, and in sallyportd --check by way of gate. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "context_inside.h"
#include "key.h"
#include "remote.h"
#include "sallyport/base/buf.h"

#define CHAIN_MAX 16

/* PEM's way to say that there is nothing more. */
static bool is_end(void)
{
    unsigned long e = ERR_peek_last_error();
    return ERR_GET_LIB(e) == ERR_LIB_PEM &&
           ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

static int check_dates(X509 *x, int number, const char *name,
                       struct complaint *c)
{
    if (X509_cmp_time(X509_get0_notAfter(x), NULL) > 0)
        return 0;
    if (number == 1)
        return complain(c, "%s: the certificate has expired", name);
    return complain(c, "%s: certificate %d of the chain has expired", name,
                    number);
}

static int use_leaf(SSL_CTX *ssl, X509 *x, const char *name,
                    struct complaint *c)
{
    int r = check_dates(x, 1, name, c);
    if (r == 0)
        r = key_check(X509_get0_pubkey(x), name, c);
    if (r == 0 && SSL_CTX_use_certificate(ssl, x) != 1)
        r = complain(c, "%s: %s", name, tls_error(ERR_peek_error()));
    X509_free(x);
    return r;
}

static int use_issuer(SSL_CTX *ssl, X509 *x, int number, const char *name,
                      struct complaint *c)
{
    int r = check_dates(x, number, name, c);
    if (r == 0 && number > CHAIN_MAX)
        r = complain(c, "%s: more than %d certificates", name, CHAIN_MAX);
    if (r == 0 && SSL_CTX_add0_chain_cert(ssl, x) == 1)
        return 0; /* X is the context's now */
    X509_free(x);
    return r != 0 ? r
                  : complain(c, "%s: certificate %d of the chain: %s", name,
                             number, tls_error(ERR_peek_error()));
}

static int read_chain(SSL_CTX *ssl, BIO *b, const char *name,
                      struct complaint *c)
{
    X509 *x;
    for (int number = 1;; number++) {
        ERR_clear_error();
        x = PEM_read_bio_X509_AUX(b, NULL, NULL, NULL);
        if (!x && number > 1 && is_end())
            return 0;
        if (!x && is_end())
            return complain(c, "%s: holds no certificate in PEM form", name);
        if (!x)
            return complain(c, "%s: certificate %d can't be read: %s", name,
                            number, tls_error(ERR_peek_error()));
        int r = number == 1 ? use_leaf(ssl, x, name, c)
                            : use_issuer(ssl, x, number, name, c);
        if (r != 0)
            return r;
    }
}

static int load_chain(SSL_CTX *ssl, const struct tls_pair *pair,
                      struct complaint *c)
{
    struct buf text;
    buf_init(&text, PEM_MAX);
    BIO *b = pem_open(pair->certificate_fd, pair->certificate, &text, c);
    int r = b ? read_chain(ssl, b, pair->certificate, c) : -EINVAL;
    BIO_free(b);
    buf_release(&text);
    return r;
}

/* Every signature with it asks the signer. */
static int use_remote(struct tls_context *t, EVP_PKEY *public,
                      const struct tls_pair *pair, struct complaint *c)
{
    EVP_PKEY *key = remote_key_new(public, &t->signer, pair->number);
    int r = 0;

    if (!key || SSL_CTX_use_PrivateKey(t->ssl, key) != 1)
        r = complain(c, "%s: %s", pair->certificate,
                     tls_error(ERR_peek_last_error()));
    EVP_PKEY_free(key);
    return r;
}

int pem_load(struct tls_context *t, const struct tls_pair *pair,
             struct complaint *c)
{
    int r = load_chain(t->ssl, pair, c);
    if (r != 0)
        return r;
    EVP_PKEY *public = X509_get0_pubkey(SSL_CTX_get0_certificate(t->ssl));
    r = probe_key(public, &t->signer, pair, c);
    return r != 0 ? r : use_remote(t, public, pair, c);
}
