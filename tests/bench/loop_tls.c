/* The two ends of ssl_loop's TLS connection. Each runs in one of its two
 * processes. */
#include "loop_tls.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void loop_fail(const char *what)
{
    int error = errno;
    fprintf(stderr, "ssl_loop: %s: %s\n", what, strerror(error));
    ERR_print_errors_fp(stderr);
    exit(1);
}

static SSL_CTX *make_context(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) ||
        !SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256"))
        loop_fail("context");
    SSL_CTX_set_num_tickets(ctx, 0);
    return ctx;
}

static void use_new_certificate(SSL_CTX *ctx)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    if (!key || !x)
        loop_fail("certificate");
    X509_set_version(x, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, key);
    if (!X509_sign(x, key, EVP_sha256()) || !SSL_CTX_use_certificate(ctx, x) ||
        !SSL_CTX_use_PrivateKey(ctx, key))
        loop_fail("certificate");
    X509_free(x);
    EVP_PKEY_free(key);
}

static SSL *over(SSL_CTX *ctx, int fd)
{
    SSL *ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    if (!ssl || !SSL_set_fd(ssl, fd))
        loop_fail("connection");
    return ssl;
}

SSL *loop_server(int fd)
{
    SSL_CTX *ctx = make_context(TLS_server_method());
    use_new_certificate(ctx);
    SSL *ssl = over(ctx, fd);
    if (SSL_accept(ssl) != 1)
        loop_fail("accept");
    return ssl;
}

SSL *loop_client(int fd)
{
    SSL *ssl = over(make_context(TLS_client_method()), fd);
    if (SSL_connect(ssl) != 1)
        loop_fail("connect");
    return ssl;
}
