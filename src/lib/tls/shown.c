/* What a server shows to a client: a handshake as a client makes it. Runs in
 * sallyportctl, against the administrator's own server. The certificate is
 * described, and nothing depends on it. */
#include "sallyport/tls/shown.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tls.h"

static int shown_fingerprint(const X509 *x, char out[TLS_FINGERPRINT_MAX])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    return X509_digest(x, EVP_sha256(), hash, &len) == 1 &&
                   OPENSSL_buf2hexstr_ex(out, TLS_FINGERPRINT_MAX, NULL, hash,
                                         len, ':') == 1
               ? 0
               : -EINVAL;
}

/* An expiry is reported by its date, not as a lack of trust. */
static const char *shown_distrust(long result)
{
    return result == X509_V_OK || result == X509_V_ERR_CERT_HAS_EXPIRED ||
                   result == X509_V_ERR_CERT_NOT_YET_VALID
               ? NULL
               : X509_verify_cert_error_string(result);
}

static int shown_read(SSL *ssl, const char *host, struct tls_shown *ret)
{
    X509 *x = SSL_get1_peer_certificate(ssl);
    int r = x ? shown_fingerprint(x, ret->fingerprint) : -EPROTO;

    if (r == 0) {
        ret->version = SSL_get_version(ssl);
        ret->begins = date_seconds(X509_get0_notBefore(x));
        ret->expires = date_seconds(X509_get0_notAfter(x));
        ret->self_signed = X509_self_signed(x, 0) == 1;
        ret->fits = !host || X509_check_host(x, host, 0, 0, NULL) == 1;
        ret->distrust = shown_distrust(SSL_get_verify_result(ssl));
    }
    X509_free(x);
    return r;
}

/* Ends the session as a client does: the server's log would say that a client
 * who leaves at once may not trust the certificate. */
static void shown_quit(SSL *ssl)
{
    static const char quit[] = "QUIT\r\n";
    char reply[512];

    if (SSL_write(ssl, quit, sizeof(quit) - 1) > 0)
        for (int i = 0; i < 4 && SSL_read(ssl, reply, sizeof(reply)) > 0; i++)
            ; /* a greeting, and the reply */
    SSL_shutdown(ssl);
}

int tls_shown_by(int fd, const char *host, struct tls_shown *ret,
                 struct complaint *c)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = context ? SSL_new(context) : NULL;
    int r = -EPROTO;

    *ret = (struct tls_shown){ .version = "" };
    ERR_clear_error();
    if (context)
        SSL_CTX_set_default_verify_paths(context);
    if (ssl && host)
        SSL_set_tlsext_host_name(ssl, host);
    if (ssl && SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1)
        r = shown_read(ssl, host, ret);
    if (r < 0)
        complain(c, "the TLS handshake fails: %s",
                 ERR_peek_error() ? tls_error(ERR_peek_error())
                                  : "no answer in time");
    else
        shown_quit(ssl);
    SSL_free(ssl);
    SSL_CTX_free(context);
    return r < 0 ? -EPROTO : 0;
}

/* NULL: there is none. */
static X509 *shown_first(int fd)
{
    BIO *file = BIO_new_fd(fd, BIO_NOCLOSE);
    X509 *x = file ? PEM_read_bio_X509_AUX(file, NULL, NULL, NULL) : NULL;

    BIO_free(file);
    return x;
}

int tls_shown_in(int fd, char out[TLS_FINGERPRINT_MAX])
{
    X509 *x = shown_first(fd);
    int r = x ? shown_fingerprint(x, out) : -EINVAL;

    X509_free(x);
    return r;
}

int tls_named_in(int fd, struct tls_named *ret)
{
    X509 *x = shown_first(fd);

    *ret = (struct tls_named){ .name = "" };
    if (!x)
        return -EINVAL;
    certificate_host(x, ret->name);
    certificate_prints(x, ret->fingerprint, ret->pin);
    ret->self_signed = X509_self_signed(x, 0) == 1;
    X509_free(x);
    return 0;
}
