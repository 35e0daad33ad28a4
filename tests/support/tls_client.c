/* The client side of TLS for tests. Runs in test programs only, and blocks. If
 * a peer can close the connection, the test must ignore SIGPIPE. */
#include "tls_client.h"

#include "test.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

struct tls_client {
    SSL_CTX *ctx;
    SSL *ssl;
    SSL_SESSION *newest;
    unsigned tickets;
    char cipher[64];
    char protocol[32];
};

static _Thread_local char last_error[256];

static void note_error(void)
{
    ERR_error_string_n(ERR_peek_error(), last_error, sizeof(last_error));
    if (ERR_peek_error() == 0)
        last_error[0] = '\0';
}

static bool set_versions(SSL_CTX *ctx, int version)
{
    if (version == 0)
        return true;
    if (version < TLS1_2_VERSION) /* older versions need SHA-1 */
        SSL_CTX_set_security_level(ctx, 0);
    return SSL_CTX_set_min_proto_version(ctx, version) &&
           SSL_CTX_set_max_proto_version(ctx, version);
}

static bool set_trust(SSL_CTX *ctx, const char *authority)
{
    if (!authority)
        return true;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return SSL_CTX_load_verify_file(ctx, authority) == 1;
}

static bool set_own(SSL_CTX *ctx, const struct tls_client_options *o)
{
    return !o->certificate ||
           (SSL_CTX_use_certificate_chain_file(ctx, o->certificate) == 1 &&
            SSL_CTX_use_PrivateKey_file(ctx, o->key, SSL_FILETYPE_PEM) == 1);
}

/* Returns the session as OpenSSL's SSL_SESSION. */
static SSL_SESSION *inside(const struct tls_session *s)
{
    return (SSL_SESSION *)(uintptr_t)s;
}

static int remember(SSL *ssl, SSL_SESSION *session)
{
    struct tls_client *c = SSL_get_app_data(ssl);
    if (!SSL_SESSION_is_resumable(session))
        return 0;
    SSL_SESSION_free(c->newest);
    c->newest = session;
    c->tickets++;
    return 1; /* C owns the session now */
}

static int distrusts(int ok, X509_STORE_CTX *store)
{
    const SSL *ssl =
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const int *why = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    (void)ok;
    X509_STORE_CTX_set_error(store, *why);
    return 0;
}

static SSL_CTX *make_context(const struct tls_client_options *o)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx)
        return NULL;
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
                                            SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, remember);
    if (o->without_ems)
        SSL_CTX_set_options(ctx, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    if (o->silent_end)
        SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (o->distrust != 0) {
        SSL_CTX_set_app_data(ctx, (void *)&o->distrust);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, distrusts);
    }
    if (set_versions(ctx, o->version) && set_trust(ctx, o->authority) &&
        set_own(ctx, o) &&
        (!o->groups || SSL_CTX_set1_groups_list(ctx, o->groups) == 1) &&
        (!o->schemes || SSL_CTX_set1_sigalgs_list(ctx, o->schemes) == 1) &&
        (!o->ciphers || SSL_CTX_set_cipher_list(ctx, o->ciphers) == 1) &&
        (!o->suites || SSL_CTX_set_ciphersuites(ctx, o->suites) == 1))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

void tls_client_begin(void)
{
    const struct tls_client_options usual = { 0 };

    SSL_CTX_free(make_context(&usual));
}

static bool set_alpn(SSL *ssl, const char *protocol)
{
    unsigned char wire[256];
    if (!protocol)
        return true;
    size_t len = strlen(protocol);
    if (len == 0 || len >= sizeof(wire))
        return false;
    wire[0] = (unsigned char)len;
    memcpy(wire + 1, protocol, len);
    return SSL_set_alpn_protos(ssl, wire, (unsigned)len + 1) == 0;
}

static bool set_fragment(SSL *ssl, unsigned bytes)
{
    static const unsigned sizes[] = { 512, 1024, 2048, 4096 };
    for (uint8_t i = 0; i < 4; i++)
        if (bytes == sizes[i])
            return SSL_set_tlsext_max_fragment_length(
                       ssl, (uint8_t)(TLSEXT_max_fragment_length_512 + i)) == 1;
    return bytes == 0;
}

static bool set_name(SSL *ssl, const struct tls_client_options *o)
{
    if (!o->name)
        return true;
    return SSL_set_tlsext_host_name(ssl, o->name) == 1 &&
           (!o->authority || SSL_set1_host(ssl, o->name) == 1);
}

/* Shows the server a copy of the session, since OpenSSL's client uses each
 * session only once; many other clients use it again. */
static bool show(SSL *ssl, const struct tls_session *s)
{
    SSL_SESSION *copy;
    bool ok;

    if (!s)
        return true;
    copy = SSL_SESSION_dup(inside(s));
    ok = copy && SSL_set_session(ssl, copy) == 1;
    SSL_SESSION_free(copy);
    return ok;
}

static bool connect_it(struct tls_client *c, int fd,
                       const struct tls_client_options *o)
{
    c->ctx = make_context(o);
    c->ssl = c->ctx ? SSL_new(c->ctx) : NULL;
    return c->ssl && SSL_set_app_data(c->ssl, c) && show(c->ssl, o->show) &&
           set_alpn(c->ssl, o->alpn) && set_fragment(c->ssl, o->fragment) &&
           set_name(c->ssl, o) && SSL_set_fd(c->ssl, fd) == 1 &&
           SSL_connect(c->ssl) == 1;
}

static void describe(struct tls_client *c)
{
    const unsigned char *protocol = NULL;
    unsigned len = 0;
    SSL_get0_alpn_selected(c->ssl, &protocol, &len);
    snprintf(c->protocol, sizeof(c->protocol), "%.*s", (int)len,
             protocol ? (const char *)protocol : "");
    snprintf(c->cipher, sizeof(c->cipher), "%s %s", SSL_get_version(c->ssl),
             SSL_get_cipher_name(c->ssl));
}

struct tls_client *tls_client_new(int fd,
                                  const struct tls_client_options *options)
{
    static const struct tls_client_options none;
    struct tls_client *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    ERR_clear_error();
    if (connect_it(c, fd, options ? options : &none)) {
        describe(c);
        return c;
    }
    note_error();
    tls_client_free(c);
    return NULL;
}

void tls_client_free(struct tls_client *c)
{
    if (!c)
        return;
    SSL_free(c->ssl);
    SSL_SESSION_free(c->newest);
    SSL_CTX_free(c->ctx);
    free(c);
}

static bool is_cut(int error)
{
    if (error == SSL_ERROR_SYSCALL)
        return true;
    return error == SSL_ERROR_SSL && ERR_GET_REASON(ERR_peek_error()) ==
                                         SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

long tls_client_read(struct tls_client *c, void *into, size_t len)
{
    size_t n = 0;
    ERR_clear_error();
    int r = SSL_read_ex(c->ssl, into, len, &n);
    if (r == 1)
        return (long)n;
    int error = SSL_get_error(c->ssl, r);
    note_error();
    if (error == SSL_ERROR_ZERO_RETURN)
        return TLS_CLIENT_END;
    return is_cut(error) ? TLS_CLIENT_CUT : TLS_CLIENT_FAILED;
}

bool tls_client_write(struct tls_client *c, const void *from, size_t len)
{
    size_t n = 0;
    ERR_clear_error();
    bool ok = len == 0 || SSL_write_ex(c->ssl, from, len, &n) == 1;
    note_error();
    return ok;
}

bool tls_client_renew(struct tls_client *c)
{
    ERR_clear_error();
    SSL_key_update(c->ssl, SSL_KEY_UPDATE_REQUESTED);
    bool ok = SSL_do_handshake(c->ssl) == 1;
    note_error();
    return ok;
}

bool tls_client_shutdown(struct tls_client *c)
{
    ERR_clear_error();
    bool ok = SSL_shutdown(c->ssl) >= 0;
    note_error();
    return ok;
}

struct tls_session *tls_client_session(const struct tls_client *c)
{
    /* Returns a copy, since OpenSSL spoils the session of a connection that is
     * cut. */
    return (struct tls_session *)(c->newest ? SSL_SESSION_dup(c->newest)
                                            : NULL);
}

unsigned tls_client_tickets(const struct tls_client *c)
{
    return c->tickets;
}

void tls_session_free(struct tls_session *s)
{
    SSL_SESSION_free(inside(s));
}

bool tls_session_key_name(const struct tls_session *s,
                          unsigned char out[TLS_SESSION_KEY_NAME])
{
    const unsigned char *ticket = NULL;
    size_t len = 0;

    SSL_SESSION_get0_ticket(inside(s), &ticket, &len);
    if (len < TLS_SESSION_KEY_NAME)
        return false;
    memcpy(out, ticket, TLS_SESSION_KEY_NAME);
    return true;
}

bool tls_client_resumed(const struct tls_client *c)
{
    return SSL_session_reused(c->ssl) == 1;
}

const char *tls_client_cipher(const struct tls_client *c)
{
    return c->cipher;
}

long tls_client_serial(const struct tls_client *c)
{
    X509 *x = SSL_get1_peer_certificate(c->ssl);
    long serial = x ? ASN1_INTEGER_get(X509_get0_serialNumber(x)) : -1;
    X509_free(x);
    return serial;
}

const char *tls_client_protocol(const struct tls_client *c)
{
    return c->protocol;
}

const char *tls_client_error(void)
{
    return last_error;
}
