/* The CAs of clients' certificates, and their revocation lists. Runs in gate,
 * at the start and at a reload; must open nothing: gate has the files'
 * descriptors. What isn't in these files is never trusted, whatever the system
 * trusts. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "context_inside.h"
#include "key.h"
#include "sallyport/base/buf.h"
#include "sallyport/tls/client.h"

#define CRL_MAX   (8u << 20)
#define CAS_MAX   256
#define DEPTH_MAX 8
#define CHAIN_MAX (32 * 1024) /* bytes that a client's chain may have */
#define WARN_S    (30 * 86400)

/* A list that is missing, or has expired, is no list: then nobody is let in. */
#define FLAGS_CRL (X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL)

/* What is read, one file after the other. */
struct reading {
    X509_STORE *store;
    STACK_OF(X509) * cas;
    const struct tls_clients *from;
    struct dated_file ca, crl; /* without their names */
    struct complaint *c;
};

static bool is_end(void)
{
    unsigned long e = ERR_peek_last_error();

    return ERR_GET_LIB(e) == ERR_LIB_PEM &&
           ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

static int take_ca(struct reading *r, X509 *x, int number)
{
    const char *name = r->from->ca;

    if (!r->from->ca_in_use && X509_cmp_time(X509_get0_notAfter(x), NULL) <= 0)
        return complain(r->c, "%s: certificate %d has expired", name, number);
    if (number > CAS_MAX)
        return complain(r->c, "%s: more than %d certificates", name, CAS_MAX);
    if (X509_STORE_add_cert(r->store, x) != 1 || sk_X509_push(r->cas, x) <= 0)
        return complain(r->c, "%s: no memory", name);
    X509_up_ref(x);
    date_note(&r->ca, date_seconds(X509_get0_notAfter(x)), WARN_S);
    return 0;
}

static int read_ca(struct reading *r, BIO *b, int number)
{
    X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);
    int e;

    if (!x && number > 1 && is_end())
        return 0;
    if (!x && is_end())
        return complain(r->c, "%s: holds no certificate in PEM form",
                        r->from->ca);
    if (!x)
        return complain(r->c, "%s: certificate %d can't be read: %s",
                        r->from->ca, number, tls_error(ERR_peek_error()));
    e = take_ca(r, x, number);
    X509_free(x);
    return e < 0 ? e : 1;
}

/* Who signed it must be one of the CAs, or it would revoke nothing. */
static bool is_of_a_ca(const struct reading *r, X509_CRL *crl)
{
    for (int i = 0; i < sk_X509_num(r->cas); i++) {
        X509 *ca = sk_X509_value(r->cas, i);

        if (X509_NAME_cmp(X509_get_subject_name(ca),
                          X509_CRL_get_issuer(crl)) == 0 &&
            X509_CRL_verify(crl, X509_get0_pubkey(ca)) == 1)
            return true;
    }
    return false;
}

static int check_dates(const struct reading *r, const X509_CRL *crl, int number)
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
    const char *name = r->from->crl;

    if (r->from->crl_in_use)
        return 0;
    if (next && X509_cmp_time(next, NULL) <= 0)
        return complain(r->c, "%s: revocation list %d has expired", name,
                        number);
    if (X509_cmp_time(X509_CRL_get0_lastUpdate(crl), NULL) > 0)
        return complain(r->c, "%s: revocation list %d is not valid yet", name,
                        number);
    return 0;
}

/* Some lists are good for a day only, and made anew in time. */
static void note_crl(struct reading *r, const X509_CRL *crl)
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
    int64_t end, quarter;

    if (!next)
        return;
    end = date_seconds(next);
    quarter = (end - date_seconds(X509_CRL_get0_lastUpdate(crl))) / 4;
    date_note(&r->crl, end, quarter < WARN_S ? quarter : WARN_S);
}

static int take_crl(struct reading *r, X509_CRL *crl, int number)
{
    const char *name = r->from->crl;

    if (check_dates(r, crl, number) < 0)
        return -EINVAL;
    if (!is_of_a_ca(r, crl))
        return complain(r->c,
                        "%s: revocation list %d is signed by none of the CAs "
                        "in %s",
                        name, number, r->from->ca);
    if (X509_STORE_add_crl(r->store, crl) != 1)
        return complain(r->c, "%s: no memory", name);
    note_crl(r, crl);
    return 0;
}

static int read_crl(struct reading *r, BIO *b, int number)
{
    X509_CRL *crl = PEM_read_bio_X509_CRL(b, NULL, NULL, NULL);
    int e;

    if (!crl && number > 1 && is_end())
        return 0;
    if (!crl && is_end())
        return complain(r->c, "%s: holds no revocation list in PEM form",
                        r->from->crl);
    if (!crl)
        return complain(r->c, "%s: revocation list %d can't be read: %s",
                        r->from->crl, number, tls_error(ERR_peek_error()));
    e = take_crl(r, crl, number);
    X509_CRL_free(crl);
    return e < 0 ? e : 1;
}

/* One after the other, until there is none any more. */
static int read_file(struct reading *r, int fd, const char *name, size_t most,
                     int (*read_one)(struct reading *r, BIO *b, int number))
{
    struct buf text;
    int e = 1;

    buf_init(&text, most);
    BIO *b = pem_open(fd, name, &text, r->c);
    if (!b)
        e = -EINVAL;
    for (int number = 1; e > 0; number++) {
        ERR_clear_error();
        e = read_one(r, b, number);
    }
    BIO_free(b);
    buf_release(&text);
    ERR_clear_error();
    return e;
}

static bool has_issuer(const struct reading *r, X509 *ca)
{
    for (int i = 0; i < sk_X509_num(r->cas); i++)
        if (X509_check_issued(sk_X509_value(r->cas, i), ca) == X509_V_OK)
            return true;
    return false;
}

/* OpenSSL asks for a list for each certificate of a chain, the last one too, so
 * a chain has to go on to one that is its own issuer. */
static int check_chains(const struct reading *r)
{
    for (int i = 0; i < sk_X509_num(r->cas); i++)
        if (!has_issuer(r, sk_X509_value(r->cas, i)))
            return complain(r->c,
                            "%s: the CA of certificate %d isn't there, which "
                            "client_crl needs",
                            r->from->ca, i + 1);
    return 0;
}

/* Without lists a certificate in the file counts though its own CA isn't
 * there. */
static int read_all(struct reading *r)
{
    unsigned long flags =
        r->from->crl_fd >= 0 ? FLAGS_CRL : X509_V_FLAG_PARTIAL_CHAIN;
    int e = read_file(r, r->from->ca_fd, r->from->ca, PEM_MAX, read_ca);

    if (e == 0 && X509_STORE_set_flags(r->store, flags) != 1)
        e = complain(r->c, "%s: no memory", r->from->ca);
    if (e == 0 && r->from->crl_fd >= 0)
        e = check_chains(r);
    if (e == 0 && r->from->crl_fd >= 0)
        e = read_file(r, r->from->crl_fd, r->from->crl, CRL_MAX, read_crl);
    return e;
}

/* Their names are for events, which don't fail for want of one. */
static void keep_dates(struct dated_file *to, const struct dated_file *from,
                       const char *name)
{
    *to = *from;
    to->name = to->expires != 0 ? strdup(name) : NULL;
}

static int use(struct tls_context *t, const struct reading *r)
{
    if (SSL_CTX_set1_verify_cert_store(t->ssl, r->store) != 1 ||
        !client_names_set(t->ssl, r->cas) || client_set(t->ssl) != 0)
        return complain(r->c, "%s: %s", r->from->ca,
                        tls_error(ERR_peek_error()));
    SSL_CTX_set_verify_depth(t->ssl, DEPTH_MAX);
    SSL_CTX_set_max_cert_list(t->ssl, CHAIN_MAX);
    t->clients = r->from->mode;
    keep_dates(&t->client_ca, &r->ca, r->from->ca);
    keep_dates(&t->client_crl, &r->crl, r->from->crl);
    return 0;
}

bool tls_context_clients_file(const struct tls_context *t, size_t i,
                              struct tls_clients_facts *ret)
{
    const struct dated_file *f[] = { &t->client_ca, &t->client_crl };
    size_t at = 0;

    while (at < 2 && (!f[at]->name || i-- > 0))
        at++;
    if (at == 2)
        return false;
    *ret = (struct tls_clients_facts){ .name = f[at]->name,
                                       .lists = at == 1,
                                       .expires = f[at]->expires,
                                       .warn = f[at]->warn };
    return true;
}

int tls_context_clients(struct tls_context *t, const struct tls_clients *from,
                        struct complaint *c)
{
    struct reading r = { .store = X509_STORE_new(),
                         .cas = sk_X509_new_null(),
                         .from = from,
                         .c = c };
    int e = r.store && r.cas ? read_all(&r)
                             : complain(c, "%s: no memory", from->ca);

    if (e == 0)
        e = use(t, &r);
    sk_X509_pop_free(r.cas, X509_free);
    X509_STORE_free(r.store);
    return e;
}
