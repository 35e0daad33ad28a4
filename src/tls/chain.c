/* A certificate chain from a PEM file. Runs in gate, and in sallyportd --check
 * by way of gate. It never opens a file: gate has the descriptor. */
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "context_inside.h"
#include "key.h"
#include "pem.h"

#define CHAIN_MAX 16

/* A certificate in use may expire: a restarted gate, or a reload for another
 * reason, doesn't refuse it then. Some clients don't mind. */
static int check_validity(X509 *x, int number, const struct tls_pair *pair,
                          struct complaint *c)
{
    const char *name = pair->certificate;
    char which[48] = "the certificate", date[DATE_TEXT_MAX];

    if (number > 1)
        snprintf(which, sizeof(which), "certificate %d of the chain", number);
    if (!pair->in_use && X509_cmp_time(X509_get0_notAfter(x), NULL) <= 0)
        return complain(c, "%s: %s has expired on %s; renew it, then reload",
                        name, which, date_text(X509_get0_notAfter(x), date));
    if (!pair->in_use && X509_cmp_time(X509_get0_notBefore(x), NULL) > 0)
        return complain(c,
                        "%s: %s is not valid yet: only from %s on; is this "
                        "machine's clock right?",
                        name, which, date_text(X509_get0_notBefore(x), date));
    return 0;
}

static int use_leaf(struct identity *id, X509 *x, const struct tls_pair *pair,
                    struct complaint *c)
{
    const char *name = pair->certificate;
    int r = check_validity(x, 1, pair, c);

    id->leaf = x;
    if (r == 0 && !(X509_get_key_usage(x) & KU_DIGITAL_SIGNATURE))
        r = complain(c, "%s: its key usage has no digitalSignature", name);
    return r != 0 ? r : key_check(X509_get0_pubkey(x), name, c);
}

static int use_issuer(struct identity *id, X509 *x, int number,
                      const struct tls_pair *pair, struct complaint *c)
{
    const char *name = pair->certificate;
    int r = check_validity(x, number, pair, c);

    if (r == 0 && number > CHAIN_MAX)
        r = complain(c, "%s: more than %d certificates", name, CHAIN_MAX);
    if (r == 0 && !id->chain && !(id->chain = sk_X509_new_null()))
        r = complain(c, "%s: no memory", name);
    if (r == 0 && sk_X509_push(id->chain, x) > 0)
        return 0; /* the identity owns X now */
    X509_free(x);
    return r != 0 ? r : complain(c, "%s: no memory", name);
}

struct chain {
    struct identity *id;
    const struct tls_pair *pair;
    struct complaint *c;
};

static void *parse_certificate(BIO *b)
{
    return PEM_read_bio_X509_AUX(b, NULL, NULL, NULL);
}

static int take_certificate(void *owner, void *thing, int number)
{
    const struct chain *r = owner;

    return number == 1 ? use_leaf(r->id, thing, r->pair, r->c)
                       : use_issuer(r->id, thing, number, r->pair, r->c);
}

static const struct pem_kind certificates = { "certificate", parse_certificate,
                                              take_certificate };

int chain_load(struct identity *id, const struct tls_pair *pair,
               struct complaint *c)
{
    const struct pem_file file = { pair->certificate_fd, pair->certificate,
                                   PEM_MAX };
    struct chain r = { id, pair, c };

    return pem_each(&file, &certificates, &r, c);
}
