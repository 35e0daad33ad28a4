#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void wire_fail(const char *why, ...)
{
    char text[512];
    va_list args;

    va_start(args, why);
    vsnprintf(text, sizeof(text), why, args);
    va_end(args);
    fprintf(stderr, "%s\n", text);
    /* Other threads can still use what exit() would free. */
    _exit(1);
}

static const char *tls_reason(void)
{
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    return why ? why : strerror(errno);
}

SSL_CTX *wire_context(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) ||
        !SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256"))
        wire_fail("TLS context: %s", tls_reason());
    SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    return ctx;
}

SSL_CTX *wire_client(const char *ca)
{
    SSL_CTX *ctx = wire_context(TLS_client_method());

    if (!SSL_CTX_load_verify_file(ctx, ca))
        wire_fail("%s: %s", ca, tls_reason());
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return ctx;
}

SSL_CTX *wire_server(const char *certificate, const char *key)
{
    SSL_CTX *ctx = wire_context(TLS_server_method());

    if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        wire_fail("certificate: %s", tls_reason());
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"bench", 5);
    return ctx;
}

static struct sockaddr_in loopback(unsigned port)
{
    struct sockaddr_in a = { .sin_family = AF_INET };

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.sin_port = htons((uint16_t)port);
    return a;
}

int wire_listen(unsigned *port)
{
    struct sockaddr_in a = loopback(0);
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
        listen(fd, 64) < 0 || getsockname(fd, (struct sockaddr *)&a, &len) < 0)
        wire_fail("listen: %s", strerror(errno));
    *port = ntohs(a.sin_port);
    return fd;
}

static void set_options(int fd)
{
    struct timeval wait = { .tv_sec = WIRE_WAIT_S };
    int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

int wire_connect(unsigned port)
{
    struct sockaddr_in a = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        wire_fail("socket: %s", strerror(errno));
    set_options(fd);
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
        wire_fail("connect to port %u: %s", port, strerror(errno));
    return fd;
}

int wire_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        wire_fail("accept: %s", strerror(errno));
    set_options(fd);
    return fd;
}

static SSL *attach(SSL_CTX *ctx, int fd)
{
    SSL *ssl = SSL_new(ctx);

    ERR_clear_error();
    if (!ssl || !SSL_set_fd(ssl, fd))
        wire_fail("TLS connection: %s", tls_reason());
    return ssl;
}

SSL *wire_handshake(SSL_CTX *ctx, int fd, SSL_SESSION *session)
{
    SSL *ssl = attach(ctx, fd);

    if (session && !SSL_set_session(ssl, session))
        wire_fail("TLS session: %s", tls_reason());
    if (SSL_connect(ssl) == 1)
        return ssl;
    fprintf(stderr, "handshake: %s\n", tls_reason());
    SSL_free(ssl);
    return NULL;
}

SSL *wire_answer(SSL_CTX *ctx, int fd, unsigned tickets)
{
    SSL *ssl = attach(ctx, fd);

    SSL_set_num_tickets(ssl, tickets);
    if (SSL_accept(ssl) != 1)
        wire_fail("handshake: %s", tls_reason());
    return ssl;
}

void wire_send(SSL *ssl, const void *bytes, size_t len)
{
    size_t sent;

    ERR_clear_error();
    if (SSL_write_ex(ssl, bytes, len, &sent) != 1 || sent != len)
        wire_fail("sending: %s", tls_reason());
}

size_t wire_receive(SSL *ssl, void *bytes, size_t max)
{
    size_t got = 0;

    ERR_clear_error();
    if (SSL_read_ex(ssl, bytes, max, &got) == 1)
        return got;
    if (SSL_get_error(ssl, 0) != SSL_ERROR_ZERO_RETURN)
        wire_fail("receiving: %s", tls_reason());
    return 0;
}

void wire_close(SSL *ssl, bool drain)
{
    int fd = SSL_get_fd(ssl);
    char rest[256];
    size_t got;

    ERR_clear_error();
    if (SSL_shutdown(ssl) == 0 && drain) {
        while (SSL_read_ex(ssl, rest, sizeof(rest), &got) == 1)
            ;
    }
    SSL_free(ssl);
    close(fd);
}

double wire_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
