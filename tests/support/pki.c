/* Makes certificates and revocation lists for tests. Runs in test programs
 * only. */
#include "pki.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "fail.h"
#include "scratch.h"
#include "test.h"

#define DAY   86400L
#define PATHS 4

struct pki {
    char folder[512];
    EVP_PKEY *key;
    X509 *ca;
};

static char *next_text(void)
{
    static char texts[PATHS][640];
    static size_t at;

    return texts[at++ % PATHS];
}

const char *pki_path(const struct pki *p, const char *file)
{
    char *text = next_text();

    snprintf(text, 640, "%s/%s", p->folder, file);
    return text;
}

static EVP_PKEY *make_key(enum pki_kind kind)
{
    switch (kind) {
    case PKI_RSA:
        return EVP_RSA_gen(2048);
    case PKI_ED25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    default:
        return EVP_EC_gen("P-256");
    }
}

static FILE *open_file(const struct pki *p, const char *name, const char *end,
                       mode_t mode)
{
    char file[128];
    const char *path;
    FILE *f;
    int fd;

    snprintf(file, sizeof(file), "%s%s", name, end);
    path = pki_path(p, file);
    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    f = fd < 0 ? NULL : fdopen(fd, "w");
    FAIL_IF(!f, "%s can't be written", path);
    return f;
}

static void write_certificate(const struct pki *p, const char *name, X509 *x)
{
    FILE *f = open_file(p, name, ".pem", 0644);

    FAIL_IF(PEM_write_X509(f, x) != 1 || fclose(f) != 0, "%s.pem", name);
}

static void add_extension(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    FAIL_IF(!e || X509_add_ext(x, e, -1) != 1, "extension %s", value);
    X509_EXTENSION_free(e);
}

static long new_serial(void)
{
    unsigned char bytes[4];

    FAIL_IF(RAND_bytes(bytes, sizeof(bytes)) != 1, "no random bytes");
    return 1 + (long)bytes[0] + ((long)bytes[1] << 8) + ((long)bytes[2] << 16) +
           ((long)(bytes[3] & 0x7f) << 24);
}

static X509 *make(struct pki *p, EVP_PKEY *key, const char *cn, long serial,
                  long from, long to)
{
    X509 *x = X509_new();

    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial ? serial : new_serial());
    X509_gmtime_adj(X509_getm_notBefore(x), from);
    X509_gmtime_adj(X509_getm_notAfter(x), to);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                               (const unsigned char *)cn, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(p->ca ? p->ca : x));
    return x;
}

static void write_key(const struct pki *p, const char *name, EVP_PKEY *key)
{
    FILE *f = open_file(p, name, ".key", 0600);

    FAIL_IF(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) != 1 ||
                fclose(f) != 0,
            "%s.key", name);
}

/* ABOVE issues the CA's certificate; NULL: the CA signs it itself. */
static struct pki *new_ca(const char *folder, const char *name,
                          struct pki *above)
{
    struct pki *p = calloc(1, sizeof(*p));

    FAIL_IF(!p, "no memory");
    snprintf(p->folder, sizeof(p->folder), "%s", folder);
    p->key = make_key(PKI_EC);
    X509 *x = make(above ? above : p, p->key, name, 0, -3 * DAY, 3 * DAY);
    add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(x, NID_key_usage, "critical,keyCertSign,cRLSign");
    FAIL_IF(X509_sign(x, above ? above->key : p->key, EVP_sha256()) <= 0,
            "the CA can't sign");
    p->ca = x;
    write_certificate(p, name, x);
    write_key(p, name, p->key);
    return p;
}

struct pki *pki_new(const char *folder, const char *name)
{
    return new_ca(folder, name, NULL);
}

struct pki *pki_below(struct pki *p, const char *name)
{
    return new_ca(p->folder, name, p);
}

void pki_free(struct pki *p)
{
    X509_free(p->ca);
    EVP_PKEY_free(p->key);
    free(p);
}

void pki_issue(struct pki *p, const struct pki_leaf *l)
{
    EVP_PKEY *key = make_key(l->kind);
    bool usual = l->from == 0 && l->to == 0;
    X509 *x = make(p, key, l->subject ? l->subject : l->name, l->serial,
                   usual ? -DAY : l->from, usual ? DAY : l->to);

    if (l->names)
        add_extension(x, NID_subject_alt_name, l->names);
    add_extension(x, NID_ext_key_usage,
                  l->server ? "serverAuth" : "clientAuth");
    FAIL_IF(X509_sign(x, p->key, EVP_sha256()) <= 0, "the CA can't sign");
    write_certificate(p, l->name, x);
    write_key(p, l->name, key);
    X509_free(x);
    EVP_PKEY_free(key);
}

static X509 *read_certificate(const struct pki *p, const char *name)
{
    char file[128];

    snprintf(file, sizeof(file), "%s.pem", name);
    FILE *f = fopen(pki_path(p, file), "r");
    X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
    FAIL_IF(!x, "%s can't be read", file);
    fclose(f);
    return x;
}

struct pki *pki_open(const char *folder, const char *name)
{
    struct pki *p = calloc(1, sizeof(*p));
    char file[128];

    FAIL_IF(!p, "no memory");
    snprintf(p->folder, sizeof(p->folder), "%s", folder);
    p->ca = read_certificate(p, name);
    snprintf(file, sizeof(file), "%s.key", name);
    FILE *f = fopen(pki_path(p, file), "r");
    p->key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
    FAIL_IF(!p->key, "%s can't be read", file);
    fclose(f);
    return p;
}

static void add_revoked(struct pki *p, X509_CRL *crl, const char *name)
{
    X509 *x = read_certificate(p, name);
    X509_REVOKED *one = X509_REVOKED_new();
    ASN1_TIME *when = X509_gmtime_adj(NULL, -DAY);

    X509_REVOKED_set_serialNumber(one, X509_get_serialNumber(x));
    X509_REVOKED_set_revocationDate(one, when);
    FAIL_IF(X509_CRL_add0_revoked(crl, one) != 1, "%s isn't revoked", name);
    ASN1_TIME_free(when);
    X509_free(x);
}

static void set_times(X509_CRL *crl, time_t now, long from, long to)
{
    ASN1_TIME *last = X509_time_adj(NULL, from, &now),
              *next = X509_time_adj(NULL, to, &now);

    X509_CRL_set1_lastUpdate(crl, last);
    X509_CRL_set1_nextUpdate(crl, next);
    ASN1_TIME_free(last);
    ASN1_TIME_free(next);
}

static X509_CRL *new_list(struct pki *p, time_t now, long from, long to)
{
    X509_CRL *crl = X509_CRL_new();

    X509_CRL_set_version(crl, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(p->ca));
    set_times(crl, now, from, to);
    return crl;
}

static void write_list(struct pki *p, const char *file, X509_CRL *crl)
{
    FAIL_IF(X509_CRL_sign(crl, p->key, EVP_sha256()) <= 0, "no list is signed");
    FILE *f = open_file(p, file, "", 0644);
    FAIL_IF(PEM_write_X509_CRL(f, crl) != 1 || fclose(f) != 0, "%s", file);
    X509_CRL_free(crl);
}

void pki_list(struct pki *p, const char *file, long seconds, ...)
{
    X509_CRL *crl = new_list(p, time(NULL), -DAY, seconds);
    const char *name;
    va_list names;

    va_start(names, seconds);
    while ((name = va_arg(names, const char *)))
        add_revoked(p, crl, name);
    va_end(names);
    write_list(p, file, crl);
}

static void add_number(X509_CRL *crl, int nid, long number, int critical)
{
    ASN1_INTEGER *n = ASN1_INTEGER_new();

    ASN1_INTEGER_set(n, number);
    FAIL_IF(X509_CRL_add1_ext_i2d(crl, nid, n, critical, 0) != 1, "no number");
    ASN1_INTEGER_free(n);
}

static void add_scope(X509_CRL *crl, const char *scope)
{
    X509_EXTENSION *e =
        X509V3_EXT_conf_nid(NULL, NULL, NID_issuing_distribution_point, scope);

    FAIL_IF(!e || X509_CRL_add_ext(crl, e, -1) != 1, "%s", scope);
    X509_EXTENSION_free(e);
}

void pki_list_as(struct pki *p, const struct pki_crl *l)
{
    X509_CRL *crl = new_list(p, l->now ? l->now : time(NULL), l->from, l->to);

    if (l->gone)
        add_revoked(p, crl, l->gone);
    if (l->scope)
        add_scope(crl, l->scope);
    if (l->number)
        add_number(crl, NID_crl_number, l->number, 0);
    if (l->delta)
        add_number(crl, NID_delta_crl, 1, 1);
    write_list(p, l->file, crl);
}

struct pki *pki_begin(char folder[64], const char *name)
{
    strcpy(folder, "/tmp/sallyport-pki-XXXXXX");
    FAIL_IF(!mkdtemp(folder), "no folder for a CA");
    return pki_new(folder, name);
}

void pki_end(struct pki *p)
{
    scratch_remove_tree(p->folder);
    pki_free(p);
}

const char *pki_fingerprint(const struct pki *p, const char *name)
{
    X509 *x = read_certificate(p, name);
    unsigned char hash[EVP_MAX_MD_SIZE];
    char *text = next_text();
    unsigned len = 0;

    FAIL_IF(X509_digest(x, EVP_sha256(), hash, &len) != 1, "no digest");
    for (unsigned i = 0; i < len; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    X509_free(x);
    return text;
}
