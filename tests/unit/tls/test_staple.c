/* OCSP responses: which ones are sent with a certificate, and to which
 * clients. */
#include <criterion/criterion.h>
#include <openssl/ec.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "raw.h"

#define HOUR 3600L
#define DAY  (24 * HOUR)

struct party {
    X509 *x;
    EVP_PKEY *key;
};

/* The root has signed the issuer, which has signed the others. */
static struct party root, issuer, leaf, other, delegate, plain, late, foreign;

struct extension {
    int nid;
    const char *value;
};

static struct party certify(const struct party *by, long serial, long lasts,
                            const struct extension *e)
{
    struct party p = { X509_new(), EVP_EC_gen("P-256") };
    char name[16];

    snprintf(name, sizeof(name), "party %ld", serial);
    X509_set_version(p.x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(p.x), serial);
    X509_gmtime_adj(X509_getm_notBefore(p.x), -30 * DAY);
    X509_gmtime_adj(X509_getm_notAfter(p.x), lasts);
    X509_set_pubkey(p.x, p.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(p.x), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(p.x, X509_get_subject_name(by ? by->x : p.x));
    for (; e->value; e++) {
        X509_EXTENSION *one = X509V3_EXT_conf_nid(NULL, NULL, e->nid, e->value);

        cr_assert(one && X509_add_ext(p.x, one, -1) == 1);
        X509_EXTENSION_free(one);
    }
    cr_assert(X509_sign(p.x, by ? by->key : p.key, EVP_sha256()) > 0);
    return p;
}

static void set_up(void)
{
    static const struct extension ca[] = {
        { NID_basic_constraints, "critical,CA:TRUE" }, { 0, NULL }
    };
    static const struct extension server[] = {
        { NID_subject_alt_name, "DNS:localhost" },
        { NID_tlsfeature, "status_request" },
        { 0, NULL }
    };
    static const struct extension may_sign[] = {
        { NID_ext_key_usage, "OCSPSigning" }, { 0, NULL }
    };
    static const struct extension none[] = { { 0, NULL } };

    root = certify(NULL, 1, 90 * DAY, ca);
    issuer = certify(&root, 2, 90 * DAY, ca);
    leaf = certify(&issuer, 3, 30 * DAY, server);
    other = certify(&issuer, 4, 30 * DAY, none);
    delegate = certify(&issuer, 5, 30 * DAY, may_sign);
    plain = certify(&issuer, 6, 30 * DAY, none);
    late = certify(&issuer, 7, -DAY, may_sign);
    foreign = certify(&root, 8, 30 * DAY, may_sign);
}

static void tear_down(void)
{
    struct party *all[] = { &root,     &issuer, &leaf, &other,
                            &delegate, &plain,  &late, &foreign };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        X509_free(all[i]->x);
        EVP_PKEY_free(all[i]->key);
    }
    signer_free_all();
}

TestSuite(staple, .init = set_up, .fini = tear_down);

struct response {
    const struct party *by;    /* NULL: the issuer */
    const struct party *about; /* NULL: the leaf */
    const struct party *first; /* one more response before it */
    long until;                /* seconds from now; 0: a day */
    long from;                 /* 0: an hour ago */
    int status;                /* V_OCSP_CERTSTATUS_…; 0: good */
    bool endless;              /* no nextUpdate */
    bool sha256;               /* names the certificate by its SHA-256 */
    bool error;                /* the responder reports an error */
    bool spoilt;               /* one byte of the signature is changed */
    size_t behind;             /* bytes after it */
};

static void add(OCSP_BASICRESP *b, const struct response *r,
                const struct party *about)
{
    OCSP_CERTID *id = OCSP_cert_to_id(r->sha256 ? EVP_sha256() : EVP_sha1(),
                                      about->x, issuer.x);
    ASN1_TIME *from = X509_gmtime_adj(NULL, r->from ? r->from : -HOUR);
    ASN1_TIME *until = X509_gmtime_adj(NULL, r->until ? r->until : DAY);
    bool revoked = r->status == V_OCSP_CERTSTATUS_REVOKED;

    cr_assert(OCSP_basic_add1_status(
        b, id, r->status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
        revoked ? from : NULL, from, r->endless ? NULL : until));
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
}

static OCSP_RESPONSE *make_response(const struct response *r)
{
    const struct party *by = r->by ? r->by : &issuer;
    OCSP_BASICRESP *b = OCSP_BASICRESP_new();
    OCSP_RESPONSE *whole;

    if (r->first)
        add(b, r, r->first);
    add(b, r, r->about ? r->about : &leaf);
    cr_assert_eq(OCSP_basic_sign(b, by->x, by->key, EVP_sha256(), NULL, 0), 1);
    if (r->spoilt) {
        const ASN1_OCTET_STRING *signature = OCSP_resp_get0_signature(b);

        ((unsigned char *)(uintptr_t)ASN1_STRING_get0_data(signature))[9] ^= 1;
    }
    whole = OCSP_response_create(r->error ? OCSP_RESPONSE_STATUS_TRYLATER
                                          : OCSP_RESPONSE_STATUS_SUCCESSFUL,
                                 b);
    OCSP_BASICRESP_free(b);
    return whole;
}

static int file_of(const void *bytes, size_t len, size_t behind)
{
    int fd = memfd_create("file", MFD_CLOEXEC);

    cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
    cr_assert_eq(ftruncate(fd, (off_t)(len + behind)), 0);
    return fd;
}

static int response_file(const struct response *r)
{
    OCSP_RESPONSE *whole = make_response(r);
    unsigned char *der = NULL;
    int len = i2d_OCSP_RESPONSE(whole, &der);
    int fd = file_of(der, (size_t)len, r->behind);

    OPENSSL_free(der);
    OCSP_RESPONSE_free(whole);
    return fd;
}

static int pem_file(X509 *a, X509 *b, EVP_PKEY *key)
{
    BIO *m = BIO_new(BIO_s_mem());
    char *text = NULL;
    int fd;

    cr_assert(
        (!a || PEM_write_bio_X509(m, a)) && (!b || PEM_write_bio_X509(m, b)) &&
        (!key || PEM_write_bio_PrivateKey(m, key, NULL, NULL, 0, NULL, NULL)));
    fd = file_of(NULL, 0, 0);
    long len = BIO_get_mem_data(m, &text);
    cr_assert_eq(write(fd, text, (size_t)len), len);
    BIO_free(m);
    return fd;
}

/* Loads the leaf with its issuer, or without, and that file. */
static struct tls_context *load(int staple, bool must_count, bool whole,
                                struct complaint *c)
{
    const struct key_files files = {
        pem_file(leaf.x, whole ? issuer.x : NULL, NULL), "cert.pem",
        pem_file(NULL, NULL, leaf.key), "key.pem"
    };
    struct tls_context *t =
        signer_context_stapled(&files, staple, "o.der", must_count, c);

    close(files.certificate_fd);
    close(files.key_fd);
    close(staple);
    return t;
}

/* Returns how many bytes of a response a client gets that asks, or doesn't. */
static long meet(struct tls_context *t, int version, bool asks)
{
    unsigned char *der = NULL;
    struct line l;
    struct raw r;
    long len;

    line_open(&l, CONTROL, 0);
    cr_assert_eq(stream_secure(l.s, t, STREAM_CONTROL), 0);
    raw_open(&r, version, NULL);
    if (asks)
        SSL_set_tlsext_status_type(r.ssl, TLSEXT_STATUSTYPE_ocsp);
    cr_assert_eq(raw_handshake(&r, &l), STREAM_OK);
    len = SSL_get_tlsext_status_ocsp_resp(r.ssl, &der);
    raw_close(&r);
    line_close(&l);
    return len;
}

static void is_sent(struct tls_context *t, bool sent, const char *what)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

    for (int i = 0; i < 2; i++) {
        cr_expect_eq(meet(t, versions[i], true) > 0, sent, "%s", what);
        cr_expect_leq(meet(t, versions[i], false), 0, "%s", what);
    }
}

static const struct {
    struct response response;
    const char *complaint; /* NULL: the response counts */
} rows[] = {
    { { .by = NULL }, NULL },
    { { .sha256 = true }, NULL },
    { { .by = &delegate }, NULL },
    { { .first = &other }, NULL },
    { { .from = 60 }, NULL }, /* clocks that differ */
    { { .by = &plain }, "isn't signed by the certificate's issuer" },
    { { .by = &other }, "isn't signed by the certificate's issuer" },
    { { .by = &late }, "isn't signed by the certificate's issuer" },
    { { .by = &foreign }, "isn't signed by the certificate's issuer" },
    { { .by = &root }, "isn't signed by the certificate's issuer" },
    { { .by = &leaf }, "isn't signed by the certificate's issuer" },
    { { .spoilt = true }, "isn't signed by the certificate's issuer" },
    { { .about = &other }, "is for another certificate" },
    { { .about = &delegate, .first = &other }, "is for another certificate" },
    { { .status = V_OCSP_CERTSTATUS_REVOKED }, "the certificate is revoked" },
    { { .status = V_OCSP_CERTSTATUS_UNKNOWN }, "doesn't know the certificate" },
    { { .until = -1, .from = -DAY }, "is over" },
    { { .from = HOUR }, "doesn't count yet" },
    { { .endless = true }, "doesn't say how long it counts" },
    { { .error = true }, "the responder's answer was an error" },
    { { .behind = 1 }, "no OCSP response in DER form" },
    { { .behind = 16 << 10 }, "too large for an OCSP response" },
};

/* With --check an unusable response is an error. */
Test(staple, what_counts)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *expected = rows[i].complaint;
        struct complaint c = { "" };
        struct tls_pair_facts f;
        struct tls_context *t =
            load(response_file(&rows[i].response), false, true, &c);

        cr_assert(t, "%zu: %s", i, c.text);
        cr_assert(tls_context_pair(t, 0, &f));
        cr_expect(f.wants_staple);
        cr_expect_eq(f.staple_until > 0, !expected, "%zu: %s", i, f.unstapled);
        if (expected)
            cr_expect(f.unstapled && strncmp(f.unstapled, "o.der: ", 7) == 0 &&
                          strstr(f.unstapled, expected),
                      "%zu: %s", i, f.unstapled);
        is_sent(t, !expected, expected);
        tls_context_free(t);
        t = load(response_file(&rows[i].response), true, true, &c);
        cr_expect_eq(t != NULL, !expected, "%zu: %s", i, c.text);
        cr_expect(!expected || strstr(c.text, expected), "%zu: %s", i, c.text);
        tls_context_free(t);
    }
}

static const struct {
    const char *bytes, *complaint;
} texts[] = {
    { "", "o.der: empty" },
    { "-----BEGIN OCSP RESPONSE-----", "o.der: no OCSP response in DER form" },
    { "\x30\x03\x0a\x01", "o.der: no OCSP response in DER form" },
    { "\x30\x80", "o.der: no OCSP response in DER form" },
};

Test(staple, other_files)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct complaint c = { "" };
        int fd = file_of(texts[i].bytes, strlen(texts[i].bytes), 0);

        cr_expect_null(load(fd, true, true, &c));
        cr_expect_str_eq(c.text, texts[i].complaint);
    }
}

/* A client would need the issuer as well. */
Test(staple, no_issuer)
{
    struct complaint c = { "" };
    const struct response good = { .by = NULL };

    cr_expect_null(load(response_file(&good), true, false, &c));
    cr_expect_str_eq(c.text, "o.der: can't be checked: the certificate's file "
                             "lacks its issuer's");
}

/* A session continues after its response has expired. */
Test(staple, until_it_is_over, .timeout = 60)
{
    const struct response shortly = { .until = 3 };
    struct complaint c = { "" };
    struct tls_context *t = load(response_file(&shortly), false, true, &c);
    struct tls_pair_facts f;

    cr_assert(t && tls_context_pair(t, 0, &f), "%s", c.text);
    if (f.staple_until - time(NULL) >
        1) /* otherwise this machine is too slow */
        cr_expect_gt(meet(t, TLS1_3_VERSION, true), 0);
    while (time(NULL) < f.staple_until)
        poll(NULL, 0, 100);
    is_sent(t, false, "over");
    tls_context_free(t);
}
