/* A certificate chain from PEM. Runs in gate, and in sallyportd --check by way
 * of gate; must open nothing: gate has the file's descriptor. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "context_inside.h"
#include "key.h"
#include "sallyport/base/buf.h"

#define CHAIN_MAX 16

bool pem_is_end(void)
{
    unsigned long e = ERR_peek_last_error();

    return ERR_GET_LIB(e) == ERR_LIB_PEM &&
           ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

/* One that expires in use isn't taken away from clients that don't mind, by a
 * gate that has to start again, or by a reload for something else. */
static int check_dates(X509 *x, int number, const struct tls_pair *pair,
                       struct complaint *c)
{
    const char *name = pair->certificate;
    char which[48] = "the certificate", from[DATE_TEXT_MAX];

    if (number > 1)
        snprintf(which, sizeof(which), "certificate %d of the chain", number);
    if (!pair->in_use && X509_cmp_time(X509_get0_notAfter(x), NULL) <= 0)
        return complain(c, "%s: %s has expired", name, which);
    if (!pair->in_use && X509_cmp_time(X509_get0_notBefore(x), NULL) > 0)
        return complain(c,
                        "%s: %s is not valid yet: only from %s on; is this "
                        "machine's clock right?",
                        name, which, date_text(X509_get0_notBefore(x), from));
    return 0;
}

static int use_leaf(struct identity *id, X509 *x, const struct tls_pair *pair,
                    struct complaint *c)
{
    const char *name = pair->certificate;
    int r = check_dates(x, 1, pair, c);

    id->leaf = x;
    if (r == 0 && !(X509_get_key_usage(x) & KU_DIGITAL_SIGNATURE))
        r = complain(c, "%s: its key usage has no digitalSignature", name);
    return r != 0 ? r : key_check(X509_get0_pubkey(x), name, c);
}

static int use_issuer(struct identity *id, X509 *x, int number,
                      const struct tls_pair *pair, struct complaint *c)
{
    const char *name = pair->certificate;
    int r = check_dates(x, number, pair, c);

    if (r == 0 && number > CHAIN_MAX)
        r = complain(c, "%s: more than %d certificates", name, CHAIN_MAX);
    if (r == 0 && !id->chain && !(id->chain = sk_X509_new_null()))
        r = complain(c, "%s: no memory", name);
    if (r == 0 && sk_X509_push(id->chain, x) > 0)
        return 0; /* X is the identity's now */
    X509_free(x);
    return r != 0 ? r : complain(c, "%s: no memory", name);
}

struct chain {
    struct identity *id;
    const struct tls_pair *pair;
    struct complaint *c;
};

static int read_certificate(void *owner, BIO *b, int number)
{
    const struct chain *r = owner;
    const char *name = r->pair->certificate;
    X509 *x = PEM_read_bio_X509_AUX(b, NULL, NULL, NULL);
    int e;

    if (!x && pem_is_end())
        return number > 1
                   ? 0
                   : complain(r->c, "%s: holds no certificate in PEM form",
                              name);
    if (!x)
        return complain(r->c, "%s: certificate %d can't be read: %s", name,
                        number, tls_error(ERR_peek_error()));
    e = number == 1 ? use_leaf(r->id, x, r->pair, r->c)
                    : use_issuer(r->id, x, number, r->pair, r->c);
    return e != 0 ? e : 1;
}

int pem_load(struct identity *id, const struct tls_pair *pair,
             struct complaint *c)
{
    struct chain r = { id, pair, c };

    return pem_each(pair->certificate_fd, pair->certificate, PEM_MAX,
                    read_certificate, &r, c);
}

int pem_each(int fd, const char *name, size_t most,
             int (*read_one)(void *owner, BIO *b, int number), void *owner,
             struct complaint *c)
{
    struct buf text;
    int e = 1;

    buf_init(&text, most);
    BIO *b = pem_open(fd, name, &text, c);
    if (!b)
        e = -EINVAL;
    for (int number = 1; e > 0; number++) {
        ERR_clear_error();
        e = read_one(owner, b, number);
    }
    BIO_free(b);
    buf_release(&text);
    ERR_clear_error();
    return e;
}
