/* An OCSP response that is sent with its certificate (RFC 6066 8). Gate reads
 * it from a file and checks it as a client would. Session sends it. It never
 * asks the network for a response, and never sends an expired one. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/fd.h"
#include "tls.h"

/* Responses of public CAs have 500 bytes to 3 KiB, with the responder's
 * certificate. */
#define STAPLE_MAX (16u << 10)
#define SKEW_S     300 /* two clocks may differ */

/* The issuer from the chain, or the certificate itself if it is self-signed. */
static X509 *issuer_of(const struct identity *id)
{
    for (int i = 0; i < sk_X509_num(id->chain); i++)
        if (X509_check_issued(sk_X509_value(id->chain, i), id->leaf) ==
            X509_V_OK)
            return sk_X509_value(id->chain, i);
    return X509_check_issued(id->leaf, id->leaf) == X509_V_OK ? id->leaf : NULL;
}

/* A responder may choose the digest that identifies the certificate. */
static bool is_about(const OCSP_CERTID *one, X509 *leaf, X509 *issuer)
{
    ASN1_OBJECT *digest = NULL;
    OCSP_CERTID *own;
    bool is;

    OCSP_id_get0_info(NULL, &digest, NULL, NULL, (OCSP_CERTID *)(uintptr_t)one);
    const EVP_MD *md = EVP_get_digestbyobj(digest);
    if (!md)
        return false;
    own = OCSP_cert_to_id(md, leaf, issuer);
    is = own && OCSP_id_cmp(own, one) == 0;
    OCSP_CERTID_free(own);
    return is;
}

static OCSP_SINGLERESP *find_own(OCSP_BASICRESP *basic, X509 *leaf,
                                 X509 *issuer)
{
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *one = OCSP_resp_get0(basic, i);

        if (is_about(OCSP_SINGLERESP_get0_id(one), leaf, issuer))
            return one;
    }
    return NULL;
}

/* The signer must be the issuer, or a responder that the issuer authorised.
 * Other certificates in the response prove nothing. */
static bool is_signed(OCSP_BASICRESP *basic, X509 *issuer)
{
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *known = sk_X509_new_null();
    bool ok = store && known && X509_STORE_add_cert(store, issuer) == 1 &&
              X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
              sk_X509_push(known, issuer) > 0 &&
              OCSP_basic_verify(basic, known, store, OCSP_NOEXPLICIT) == 1;

    sk_X509_free(known);
    X509_STORE_free(store);
    ERR_clear_error();
    return ok;
}

static const char *status_of(OCSP_SINGLERESP *one, struct staple *s)
{
    ASN1_GENERALIZEDTIME *from = NULL, *until = NULL;

    switch (OCSP_single_get0_status(one, NULL, NULL, &from, &until)) {
    case V_OCSP_CERTSTATUS_GOOD:
        break;
    case V_OCSP_CERTSTATUS_REVOKED:
        return "says that the certificate is revoked";
    default:
        return "doesn't know the certificate";
    }
    s->until = until ? date_seconds(until) : 0;
    if (s->until == 0)
        return "doesn't say how long it counts (nextUpdate)";
    if (s->until <= time(NULL))
        return "is over; fetch a new one";
    if (OCSP_check_validity(from, until, SKEW_S, -1) != 1)
        return "doesn't count yet: is the clock right?";
    return NULL;
}

static const char *judge_basic(OCSP_BASICRESP *basic, const struct identity *id,
                               struct staple *s)
{
    X509 *issuer = issuer_of(id);
    OCSP_SINGLERESP *own;

    if (!issuer)
        return "can't be checked: the certificate's file lacks its issuer's";
    own = find_own(basic, id->leaf, issuer);
    if (!own)
        return "is for another certificate";
    if (!is_signed(basic, issuer))
        return "isn't signed by the certificate's issuer, or for it";
    return status_of(own, s);
}

static const char *judge_response(const struct identity *id, struct staple *s)
{
    const unsigned char *at = s->der;
    OCSP_RESPONSE *r = d2i_OCSP_RESPONSE(NULL, &at, (long)s->len);
    OCSP_BASICRESP *basic = NULL;
    const char *why = NULL;

    if (!r || at != s->der + s->len)
        why = "no OCSP response in DER form";
    else if (OCSP_response_status(r) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        why = "the responder's answer was an error";
    else if (!(basic = OCSP_response_get1_basic(r)))
        why = "no OCSP response of the basic kind";
    else
        why = judge_basic(basic, id, s);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(r);
    ERR_clear_error();
    return why;
}

static const char *read_file(int fd, struct staple *s)
{
    struct buf text;
    int r;

    buf_init(&text, STAPLE_MAX);
    r = fd_read_file(fd, &text);
    if (r == 0 && text.len > 0)
        s->der = OPENSSL_memdup(text.data, text.len);
    s->len = s->der ? text.len : 0;
    buf_release(&text);
    if (r == -EFBIG)
        return "too large for an OCSP response (more than 16 KiB)";
    if (r < 0)
        return "can't be read";
    return s->der ? NULL : "empty";
}

int staple_load(struct identity *id, const struct tls_pair *pair,
                struct complaint *c)
{
    struct staple *s = &id->staple;
    const char *why = read_file(pair->staple_fd, s);

    if (!why)
        why = judge_response(id, s);
    if (!why)
        return 0;
    staple_drop(s);
    return complain(c, "%s: %s", pair->staple, why);
}

void staple_drop(struct staple *s)
{
    OPENSSL_free(s->der);
    *s = (struct staple){ 0 };
}

bool staple_wanted(X509 *leaf)
{
    static const long status_request = 5; /* RFC 7633, RFC 6066 8 */
    TLS_FEATURE *features = X509_get_ext_d2i(leaf, NID_tlsfeature, NULL, NULL);
    bool wanted = false;

    for (int i = 0; i < sk_ASN1_INTEGER_num(features); i++)
        wanted =
            wanted || ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) ==
                          status_request;
    TLS_FEATURE_free(features);
    return wanted;
}

static const struct staple *staple_of(const struct tls_context *t,
                                      const X509 *leaf)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->identity[i].leaf == leaf)
            return &t->identity[i].staple;
    return NULL;
}

/* OpenSSL's callback if a client asks (status_request). A session can live
 * long, so it checks the date each time. */
static int staple_on_request(SSL *ssl, void *owner)
{
    const struct staple *s = staple_of(owner, SSL_get_certificate(ssl));
    unsigned char *copy;

    if (!s || !s->der || s->until <= time(NULL))
        return SSL_TLSEXT_ERR_NOACK;
    copy = OPENSSL_memdup(s->der, s->len);
    if (!copy)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy,
                                    (int)s->len); /* OpenSSL owns COPY now */
    return SSL_TLSEXT_ERR_OK;
}

void staple_set(struct tls_context *t)
{
    SSL_CTX_set_tlsext_status_cb(t->ssl, staple_on_request);
    SSL_CTX_set_tlsext_status_arg(t->ssl, t);
}
