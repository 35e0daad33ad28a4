/* Revocation lists of the CAs that issue clients' certificates. Runs in gate,
 * before its sandbox. It never opens a file. Of two lists about the same
 * certificates only the newer one is kept: OpenSSL would return to the older
 * one after the newer one has expired, and would accept what only the newer one
 * revokes. OpenSSL ignores delta lists, so they are refused. */
#include "crl.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "pem.h"

#define CRL_MAX   (8u << 20)
#define LISTS_MAX 512

struct list {
    X509_CRL *crl;
    int ca;     /* index of the CA that signed it */
    int number; /* position in the file */
};

struct lists {
    struct list list[LISTS_MAX];
    size_t count;
    STACK_OF(X509) * cas;
    const struct tls_clients *from;
    struct complaint *c;
};

/* Finds the CA that signed the list. A list of no known CA would revoke
 * nothing. */
static int find_ca(const struct lists *l, X509_CRL *crl)
{
    for (int i = 0; i < sk_X509_num(l->cas); i++) {
        X509 *ca = sk_X509_value(l->cas, i);

        if (X509_NAME_cmp(X509_get_subject_name(ca),
                          X509_CRL_get_issuer(crl)) == 0 &&
            X509_CRL_verify(crl, X509_get0_pubkey(ca)) == 1)
            return i;
    }
    return -1;
}

static int check_list_dates(const struct lists *l, const X509_CRL *crl,
                            int number)
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
    const char *name = l->from->crl;
    char date[DATE_TEXT_MAX];

    if (l->from->crl_in_use)
        return 0;
    if (next && X509_cmp_time(next, NULL) <= 0)
        return complain(l->c,
                        "%s: revocation list %d has expired on %s; renew it, "
                        "then reload",
                        name, number, date_text(next, date));
    if (X509_cmp_time(X509_CRL_get0_lastUpdate(crl), NULL) > 0)
        return complain(l->c, "%s: revocation list %d is not valid yet", name,
                        number);
    return 0;
}

static const ASN1_OCTET_STRING *crl_extension(const X509_CRL *crl, int nid)
{
    int at = X509_CRL_get_ext_by_NID(crl, nid, -1);

    return at < 0 ? NULL : X509_EXTENSION_get_data(X509_CRL_get_ext(crl, at));
}

/* A CA may have several lists, each for a part of its certificates. A list
 * without such a part covers all of them. */
static bool lists_overlap(const struct list *a, const struct list *b)
{
    const ASN1_OCTET_STRING *x, *y;

    x = crl_extension(a->crl, NID_issuing_distribution_point);
    y = crl_extension(b->crl, NID_issuing_distribution_point);
    return a->ca == b->ca && (!x || !y || ASN1_OCTET_STRING_cmp(x, y) == 0);
}

/* Lists of the same second can have CRL numbers. */
static int compare_numbers(const X509_CRL *a, const X509_CRL *b)
{
    ASN1_INTEGER *x = X509_CRL_get_ext_d2i(a, NID_crl_number, NULL, NULL);
    ASN1_INTEGER *y = X509_CRL_get_ext_d2i(b, NID_crl_number, NULL, NULL);
    int r = x && y ? ASN1_INTEGER_cmp(x, y) : 0;

    ASN1_INTEGER_free(x);
    ASN1_INTEGER_free(y);
    return r;
}

static bool is_future(const X509_CRL *crl)
{
    return X509_cmp_time(X509_CRL_get0_lastUpdate(crl), NULL) > 0;
}

/* A list that isn't valid yet counts as older than one that is. */
static bool is_older(const X509_CRL *a, const X509_CRL *b)
{
    int r = ASN1_TIME_compare(X509_CRL_get0_lastUpdate(a),
                              X509_CRL_get0_lastUpdate(b));

    if (is_future(a) != is_future(b))
        return is_future(a);
    return r < 0 || (r == 0 && compare_numbers(a, b) < 0);
}

static int keep_newest(struct lists *l, const struct list *new)
{
    size_t kept = 0;

    for (size_t i = 0; i < l->count; i++)
        if (lists_overlap(&l->list[i], new) &&
            is_older(new->crl, l->list[i].crl))
            return 0;
    for (size_t i = 0; i < l->count; i++) {
        if (lists_overlap(&l->list[i], new))
            X509_CRL_free(l->list[i].crl);
        else
            l->list[kept++] = l->list[i];
    }
    l->count = kept;
    if (l->count == LISTS_MAX)
        return complain(l->c, "%s: more than %d revocation lists", l->from->crl,
                        LISTS_MAX);
    l->list[l->count++] = *new;
    X509_CRL_up_ref(new->crl);
    return 0;
}

static int add_list(struct lists *l, X509_CRL *crl, int number)
{
    struct list new = { crl, find_ca(l, crl), number };

    if (check_list_dates(l, crl, number) < 0)
        return -EINVAL;
    if (crl_extension(crl, NID_delta_crl))
        return complain(l->c,
                        "%s: revocation list %d has changes only; give "
                        "complete ones",
                        l->from->crl, number);
    if (new.ca < 0)
        return complain(l->c,
                        "%s: revocation list %d is signed by none of the CAs "
                        "in %s",
                        l->from->crl, number, l->from->ca);
    return keep_newest(l, &new);
}

static void *parse_list(BIO *b)
{
    return PEM_read_bio_X509_CRL(b, NULL, NULL, NULL);
}

static int take_list(void *owner, void *thing, int number)
{
    int r = add_list(owner, thing, number);

    X509_CRL_free(thing);
    return r;
}

static const struct pem_kind revocation_lists = { "revocation list", parse_list,
                                                  take_list };

/* Some lists are valid for a day only and replaced in time. For those the
 * warning is due in the last quarter. */
static int note_expiry(struct dated_file *dates, const struct list *l)
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(l->crl);
    int64_t end, quarter;

    if (!next)
        return 0;
    end = date_seconds(next);
    quarter = (end - date_seconds(X509_CRL_get0_lastUpdate(l->crl))) / 4;
    return date_note(dates, l->number, end,
                     quarter < DATE_WARN_S ? quarter : DATE_WARN_S);
}

static int use_lists(const struct lists *l, X509_STORE *store,
                     struct dated_file *dates)
{
    for (size_t i = 0; i < l->count; i++) {
        if (X509_STORE_add_crl(store, l->list[i].crl) != 1 ||
            note_expiry(dates, &l->list[i]) < 0)
            return complain(l->c, "%s: no memory", l->from->crl);
    }
    return 0;
}

int crl_read(X509_STORE *store, STACK_OF(X509) * cas,
             const struct tls_clients *from, struct dated_file *dates,
             struct complaint *c)
{
    const struct pem_file file = { from->crl_fd, from->crl, CRL_MAX };
    struct lists *l = calloc(1, sizeof(*l));
    int e;

    if (!l)
        return complain(c, "%s: no memory", from->crl);
    l->cas = cas;
    l->from = from;
    l->c = c;
    e = pem_each(&file, &revocation_lists, l, c);
    if (e == 0)
        e = use_lists(l, store, dates);
    while (l->count > 0)
        X509_CRL_free(l->list[--l->count].crl);
    free(l);
    return e;
}
