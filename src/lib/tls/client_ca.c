/* The CAs that issue clients' certificates, and their revocation lists. Runs in
 * gate, before its sandbox closes. It never opens a file: gate has the
 * descriptors. Only the CAs in these files are trusted, whatever the system
 * trusts. OpenSSL ignores delta lists, so this code refuses them. */
#include <errno.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls.h"

#define CAS_MAX          256
#define DEPTH_MAX        8
#define CLIENT_CHAIN_MAX (32 * 1024) /* bytes of a client's chain */
#define CRL_MAX          (8u << 20)
#define LISTS_MAX        512

/* With these flags OpenSSL accepts no certificate if there is no valid list. */
#define FLAGS_CRL (X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL)

int64_t date_seconds(const ASN1_TIME *t)
{
    struct tm tm;

    return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

const char *date_text(const ASN1_TIME *t, char out[DATE_TEXT_MAX])
{
    struct tm tm = { 0 };

    if (ASN1_TIME_to_tm(t, &tm) != 1 ||
        strftime(out, DATE_TEXT_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        slice_copy(SLICE("an unreadable date"), out, DATE_TEXT_MAX);
    return out;
}

/* A revocation list in the store. */
struct list {
    const X509_CRL *crl; /* belongs to the store */
    int ca;              /* index of the CA that signed the list */
};

/* The objects read so far: first the CAs, then the lists. */
struct clients_reading {
    X509_STORE *store;
    STACK_OF(X509) * cas;
    struct list list[LISTS_MAX];
    int lists;
    const struct tls_clients *from;
    struct tls_context *t; /* gets the dates */
    struct complaint *c;
};

static void *parse_ca(BIO *b)
{
    return PEM_read_bio_X509(b, NULL, NULL, NULL);
}

static int take_ca(void *owner, void *thing, int number)
{
    struct clients_reading *r = owner;
    const char *name = r->from->ca.name;
    const struct tls_date of = { .file = r->t->ca_name,
                                 .what = "certificate",
                                 .number = number };
    char which[32];
    int e;

    snprintf(which, sizeof(which), "certificate %d", number);
    e = certificate_dates(r->t, thing, &of, which, r->from->ca.in_use, r->c);
    if (e == 0 && number > CAS_MAX)
        e = complain(r->c, "%s: more than %d certificates", name, CAS_MAX);
    if (e == 0 && X509_STORE_add_cert(r->store, thing) == 1 &&
        sk_X509_push(r->cas, thing) > 0)
        return 0; /* the list owns THING now */
    X509_free(thing);
    return e != 0 ? e : complain(r->c, "%s: no memory", name);
}

static const struct pem_kind cas = { "certificate", parse_ca, take_ca };

/* Checks that each chain ends in a certificate that is its own issuer: OpenSSL
 * wants a list for each certificate of a chain, the last one included. */
static int check_chains(const struct clients_reading *r)
{
    const int n = sk_X509_num(r->cas);

    for (int i = 0; i < n; i++) {
        X509 *ca = sk_X509_value(r->cas, i);
        int by = 0;

        while (by < n &&
               X509_check_issued(sk_X509_value(r->cas, by), ca) != X509_V_OK)
            by++;
        if (by == n)
            return complain(r->c,
                            "%s: the CA of certificate %d isn't there, which "
                            "client_crl needs",
                            r->from->ca.name, i + 1);
    }
    return 0;
}

/* Finds the CA that signed the list. A list of an unknown CA would revoke
 * nothing. */
static int find_ca(const struct clients_reading *r, X509_CRL *crl)
{
    for (int i = 0; i < sk_X509_num(r->cas); i++) {
        X509 *ca = sk_X509_value(r->cas, i);

        if (X509_NAME_cmp(X509_get_subject_name(ca),
                          X509_CRL_get_issuer(crl)) == 0 &&
            X509_CRL_verify(crl, X509_get0_pubkey(ca)) == 1)
            return i;
    }
    return -1;
}

static int check_list_dates(const struct clients_reading *r,
                            const X509_CRL *crl, int number)
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
    const char *name = r->from->crl.name;
    char date[DATE_TEXT_MAX];

    if (r->from->crl.in_use)
        return 0;
    if (next && X509_cmp_time(next, NULL) <= 0)
        return complain(r->c,
                        "%s: revocation list %d has expired on %s; renew it, "
                        "then reload",
                        name, number, date_text(next, date));
    if (X509_cmp_time(X509_CRL_get0_lastUpdate(crl), NULL) > 0)
        return complain(r->c, "%s: revocation list %d is not valid yet", name,
                        number);
    return 0;
}

static const ASN1_OCTET_STRING *crl_extension(const X509_CRL *crl, int nid)
{
    int at = X509_CRL_get_ext_by_NID(crl, nid, -1);

    return at < 0 ? NULL : X509_EXTENSION_get_data(X509_CRL_get_ext(crl, at));
}

/* Returns whether lists of the parts X and Y (NULL: all certificates of the CA)
 * can be about one certificate: they are about the same kind, and have a
 * distribution point in common. A list without the name of one has all. */
static bool parts_meet(const ISSUING_DIST_POINT *x, const ISSUING_DIST_POINT *y)
{
    const DIST_POINT_NAME *a = x ? x->distpoint : NULL,
                          *b = y ? y->distpoint : NULL;
    bool meet = !a || a->type != 0 || !b || b->type != 0; /* 0: full names */

    if ((x && x->onlyattr) || (y && y->onlyattr) ||
        (x && y && ((x->onlyuser && y->onlyCA) || (x->onlyCA && y->onlyuser))))
        return false;
    for (int i = 0; !meet && i < sk_GENERAL_NAME_num(a->name.fullname); i++)
        for (int k = 0; !meet && k < sk_GENERAL_NAME_num(b->name.fullname); k++)
            meet = GENERAL_NAME_cmp(
                       sk_GENERAL_NAME_value(a->name.fullname, i),
                       sk_GENERAL_NAME_value(b->name.fullname, k)) == 0;
    return meet;
}

static ISSUING_DIST_POINT *part_of(const X509_CRL *crl)
{
    return X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, NULL,
                                NULL);
}

/* Refuses two lists about the same certificates: when the newer list has
 * expired, OpenSSL would return to the older list, and accept what only the
 * newer list revokes. A CA can have several lists, each for a part of its
 * certificates. A list without such a part covers all certificates of the CA.
 */
static int check_overlap(const struct clients_reading *r,
                         const struct list *new)
{
    ISSUING_DIST_POINT *x = part_of(new->crl), *y;
    int e = 0;

    for (int i = 0; i < r->lists && e == 0; i++) {
        if (r->list[i].ca != new->ca)
            continue;
        y = part_of(r->list[i].crl);
        if (parts_meet(x, y))
            e = complain(r->c,
                         "%s: revocation lists %d and %d are for the same "
                         "certificates; keep only the newer one",
                         r->from->crl.name, i + 1, r->lists + 1);
        ISSUING_DIST_POINT_free(y);
    }
    ISSUING_DIST_POINT_free(x);
    return e;
}

/* Notes the expiry. The warning is due when the last quarter of the list's time
 * begins, or DATE_WARN_S before its end, whichever is later: some lists are
 * valid only for a day, and a new list comes in time. */
static int note_expiry(struct tls_context *t, const X509_CRL *crl, int number)
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
    struct tls_date d = {
        .file = t->crl_name,
        .what = "revocation list",
        .number = number,
        .begins = date_seconds(X509_CRL_get0_lastUpdate(crl)),
    };
    int64_t quarter;

    if (!next)
        return 0;
    d.expires = date_seconds(next);
    quarter = (d.expires - d.begins) / 4;
    return date_note(t, &d, quarter < DATE_WARN_S ? quarter : DATE_WARN_S);
}

static void *parse_list(BIO *b)
{
    return PEM_read_bio_X509_CRL(b, NULL, NULL, NULL);
}

static int take_list(void *owner, void *thing, int number)
{
    struct clients_reading *r = owner;
    const struct list new = { thing, find_ca(r, thing) };
    const char *name = r->from->crl.name;
    int e = check_list_dates(r, thing, number);

    if (e == 0 && crl_extension(thing, NID_delta_crl))
        e = complain(r->c,
                     "%s: revocation list %d is a delta list; give complete "
                     "lists",
                     name, number);
    if (e == 0 && new.ca < 0)
        e = complain(r->c,
                     "%s: revocation list %d is signed by none of the CAs in "
                     "%s",
                     name, number, r->from->ca.name);
    if (e == 0 && r->lists == LISTS_MAX)
        e = complain(r->c, "%s: more than %d revocation lists", name,
                     LISTS_MAX);
    if (e == 0)
        e = check_overlap(r, &new);
    if (e == 0 && (X509_STORE_add_crl(r->store, thing) != 1 ||
                   note_expiry(r->t, thing, number) < 0))
        e = complain(r->c, "%s: no memory", name);
    if (e == 0)
        r->list[r->lists++] = new;
    X509_CRL_free(thing); /* the store has a reference of its own */
    return e;
}

static const struct pem_kind revocation_lists = { "revocation list", parse_list,
                                                  take_list };

/* Reads all files. If there are no revocation lists, OpenSSL accepts a CA
 * although the CA's own issuer isn't in the file. */
static int read_all(struct clients_reading *r)
{
    unsigned long flags =
        r->from->crl.fd >= 0 ? FLAGS_CRL : X509_V_FLAG_PARTIAL_CHAIN;
    const struct pem_file ca = { r->from->ca.fd, r->from->ca.name, PEM_MAX };
    const struct pem_file crl = { r->from->crl.fd, r->from->crl.name, CRL_MAX };
    int e = pem_each(&ca, &cas, r, r->c);

    if (e == 0 && X509_STORE_set_flags(r->store, flags) != 1)
        e = complain(r->c, "%s: no memory", r->from->ca.name);
    if (e == 0 && r->from->crl.fd >= 0)
        e = check_chains(r);
    if (e == 0 && r->from->crl.fd >= 0)
        e = pem_each(&crl, &revocation_lists, r, r->c);
    return e;
}

/* Lists the CAs in requests for certificates, so that a client can choose. If
 * the list is longer than CLIENT_NAMES_MAX, lists none: the list is a part of
 * each client's proof, and if the proof is too long for auth, nobody can log in
 * with login=certificate. Returns false if OpenSSL's queue has an error. */
static bool set_names(SSL_CTX *ssl, STACK_OF(X509) * all)
{
    size_t bytes = 0;

    for (int i = 0; i < sk_X509_num(all); i++) {
        int len =
            i2d_X509_NAME(X509_get_subject_name(sk_X509_value(all, i)), NULL);

        /* RFC 8446 4.2.4: a length before each name */
        bytes += 2u + (len < 0 ? CLIENT_NAMES_MAX : (size_t)len);
    }
    if (bytes > CLIENT_NAMES_MAX)
        return true;
    for (int i = 0; i < sk_X509_num(all); i++)
        if (SSL_CTX_add_client_CA(ssl, sk_X509_value(all, i)) != 1)
            return false;
    return true;
}

int tls_context_clients(struct tls_context *t, const struct tls_clients *from,
                        struct complaint *c)
{
    struct clients_reading r = { .store = X509_STORE_new(),
                                 .cas = sk_X509_new_null(),
                                 .from = from,
                                 .t = t,
                                 .c = c };
    int e;

    t->ca_name = strdup(from->ca.name);
    t->crl_name = strdup(from->crl.name ? from->crl.name : "");
    e = r.store && r.cas && t->ca_name && t->crl_name
            ? read_all(&r)
            : complain(c, "%s: no memory", from->ca.name);
    if (e == 0 && (SSL_CTX_set1_verify_cert_store(t->ssl, r.store) != 1 ||
                   !set_names(t->ssl, r.cas) || client_set(t->ssl) != 0))
        e = complain(c, "%s: %s", from->ca.name, tls_error(ERR_peek_error()));
    if (e == 0) {
        SSL_CTX_set_verify_depth(t->ssl, DEPTH_MAX);
        SSL_CTX_set_max_cert_list(t->ssl, CLIENT_CHAIN_MAX);
        t->clients = from->mode;
    }
    sk_X509_pop_free(r.cas, X509_free);
    X509_STORE_free(r.store);
    return e;
}
