/* Implements fixture.h. An error in a helper fails the test; no function
 * returns it. */
#include "fixture.h"

#include <criterion/hooks.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define WAIT_MS 30000

/* Returns one of two keys in turn. A row's first test that needs one leaves it
 * in a file for the others, since it takes a third of a second to make an RSA
 * key. */
static EVP_PKEY *rsa_key(void)
{
    static size_t next;
    const char *folder = getenv("TMPDIR");
    EVP_PKEY *key = NULL;
    char path[256];
    FILE *f;

    snprintf(path, sizeof(path), "%s/rsa-%zu.key", folder ? folder : "",
             next++ % 2);
    f = folder ? fopen(path, "re") : NULL;
    if (f) {
        key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
        fclose(f);
    }
    if (key)
        return key;
    key = EVP_RSA_gen(2048);
    f = folder ? fopen(path, "wxe") : NULL;
    if (f) {
        PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
        fclose(f);
    }
    return key;
}

static EVP_PKEY *make_key(enum key_kind kind)
{
    switch (kind) {
    case KEY_EC:
        return EVP_EC_gen("P-256");
    case KEY_EC_384:
        return EVP_EC_gen("P-384");
    case KEY_EC_521:
        return EVP_EC_gen("P-521");
    case KEY_EC_WEAK:
        return EVP_EC_gen("secp224r1");
    case KEY_RSA:
        return rsa_key();
    case KEY_RSA_WEAK:
        return EVP_RSA_gen(1024);
    case KEY_ED25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    }
    return NULL;
}

static void add_extension(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    cr_assert(e && X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
}

static X509 *make_certificate(EVP_PKEY *key,
                              const struct credentials_spec *spec)
{
    const bool expired = spec->expired,
               plain_digest = spec->kind != KEY_ED25519;
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), spec->serial ? spec->serial : 1);
    X509_gmtime_adj(X509_getm_notBefore(x), spec->later ? 3600 : -86400 * 2);
    X509_gmtime_adj(X509_getm_notAfter(x), expired ? -60 : 86400);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(x, name);
    if (spec->names)
        add_extension(x, NID_subject_alt_name, spec->names);
    if (spec->usage)
        add_extension(x, NID_key_usage, spec->usage);
    cr_assert(X509_sign(x, key, plain_digest ? EVP_sha256() : NULL) > 0);
    return x;
}

static int from_bio(BIO *b)
{
    char *text = NULL;
    long len = BIO_get_mem_data(b, &text);
    int fd = memfd_create("pem", MFD_CLOEXEC);
    cr_assert_eq(write(fd, text, (size_t)len), len);
    BIO_free(b);
    return fd;
}

void credentials_make(struct credentials *c,
                      const struct credentials_spec *spec)
{
    EVP_PKEY *key = make_key(spec->kind);
    cr_assert(key);
    X509 *x = make_certificate(key, spec);
    BIO *certificate = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(certificate, x);
    const char *pass = spec->passphrase;
    cr_assert(PEM_write_bio_PrivateKey(
        secret, key, pass ? EVP_aes_128_cbc() : NULL,
        (const unsigned char *)pass, pass ? (int)strlen(pass) : 0, NULL, NULL));
    c->certificate_fd = from_bio(certificate);
    c->key_fd = from_bio(secret);
    X509_free(x);
    EVP_PKEY_free(key);
}

void credentials_close(struct credentials *c)
{
    close(c->certificate_fd);
    close(c->key_fd);
}

static struct tls_context *ready;

#ifdef __SANITIZE_ADDRESS__
/* Makes the first context of each test, before the runner forks: it takes
 * longer than most tests. In the other build the tests of the arena begin
 * OpenSSL. */
ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    (void)set;
    ready = context_make_of(KEY_EC);
}
#endif

struct tls_context *context_make(void)
{
    struct tls_context *t = ready;

    ready = NULL;
    return t ? t : context_make_of(KEY_EC);
}

struct tls_context *context_make_of(enum key_kind kind)
{
    struct complaint complaint = { "" };
    struct credentials c;
    credentials_make(&c, &(struct credentials_spec){ .kind = kind });
    const struct key_files files = { c.certificate_fd, "cert.pem", c.key_fd,
                                     "key.pem" };
    struct tls_context *t = signer_context(&files, &complaint);
    cr_assert(t, "%s", complaint.text);
    credentials_close(&c);
    return t;
}

void line_open(struct line *l, size_t buffer, int socket)
{
    int ends[2];
    *l = (struct line){ 0 };
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    l->near = ends[0];
    l->far = ends[1];
    for (int i = 0; socket && i < 2; i++) {
        setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &socket, sizeof(socket));
        setsockopt(ends[i], SOL_SOCKET, SO_RCVBUF, &socket, sizeof(socket));
    }
    l->s = stream_plain(l->near, buffer);
    cr_assert(l->s);
}

void line_open_tcp(struct line *l, size_t buffer)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int on = 1;
    socklen_t len = sizeof(a);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *l = (struct line){ 0 };
    l->far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&a, len), 0);
    cr_assert_eq(listen(listener, 1), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&a, &len), 0);
    cr_assert_eq(connect(l->far, (struct sockaddr *)&a, len), 0);
    l->near = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    cr_assert_geq(l->near, 0);
    close(listener);
    /* Turn off Nagle's algorithm: a reset would discard the bytes that it holds
     * back. */
    cr_assert_eq(setsockopt(l->far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)),
                 0);
    l->s = stream_plain(l->near, buffer);
    cr_assert(l->s);
}

void line_secure(struct line *l)
{
    static struct tls_context *shared; /* it takes longer than a handshake */

    if (!shared)
        shared = context_make();
    cr_assert_eq(stream_secure(l->s, shared, STREAM_CONTROL), 0);
}

void line_secured(struct line *l, size_t buffer, int socket)
{
    line_open(l, buffer, socket);
    line_secure(l);
}

void line_secured_tcp(struct line *l, size_t buffer)
{
    line_open_tcp(l, buffer);
    line_secure(l);
}

void line_hang_up(struct line *l)
{
    if (l->far >= 0)
        close(l->far);
    l->far = -1;
}

void line_close(struct line *l)
{
    stream_free(l->s);
    tls_context_free(l->context);
    line_hang_up(l);
    close(l->near);
}

/* Waits for stream_events(). Fails the test after half a minute. */
static void line_wait(struct line *l)
{
    struct pollfd p = { l->near, (short)stream_events(l->s), 0 };
    cr_assert(p.events, "AGAIN must wait for something");
    cr_assert_eq(poll(&p, 1, WAIT_MS), 1, "the peer is silent");
}

enum stream_state line_handshake(struct line *l)
{
    enum stream_state st;
    while ((st = stream_handshake(l->s)) == STREAM_AGAIN)
        line_wait(l);
    return st;
}

enum stream_state line_read(struct line *l, void *into, size_t len, size_t *got)
{
    enum stream_state st;
    while ((st = stream_read(l->s, into, len, got)) == STREAM_AGAIN) {
        cr_assert_eq(*got, 0u);
        line_wait(l);
    }
    return st;
}

enum stream_state line_write_all(struct line *l, const void *from, size_t len)
{
    const unsigned char *bytes = from;
    while (len > 0) {
        size_t took = 0;
        enum stream_state st = stream_write(l->s, bytes, len, &took);
        cr_assert(took <= len);
        bytes += took;
        len -= took;
        if (st == STREAM_AGAIN) {
            cr_assert_eq(took, 0u);
            line_wait(l);
        } else if (st != STREAM_OK) {
            return st;
        }
    }
    return STREAM_OK;
}

enum stream_state line_flush(struct line *l)
{
    enum stream_state st;
    while ((st = stream_flush(l->s)) == STREAM_AGAIN)
        line_wait(l);
    return st;
}

enum stream_state line_shutdown(struct line *l)
{
    enum stream_state st;
    while ((st = stream_shutdown(l->s)) == STREAM_AGAIN)
        line_wait(l);
    return st;
}

/* Blocks SIGPIPE, since the client can write to a closed connection. Only the
 * server is tested for SIGPIPE. */
static void *run_peer(void *argument)
{
    struct peer *p = argument;
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);

    struct tls_client *c = tls_client_new(p->fd, &p->options);
    if (c) {
        p->shaken = true;
        p->serial = tls_client_serial(c);
        snprintf(p->cipher, sizeof(p->cipher), "%s", tls_client_cipher(c));
        snprintf(p->protocol, sizeof(p->protocol), "%s",
                 tls_client_protocol(c));
        p->play(c, p);
    }
    snprintf(p->error, sizeof(p->error), "%s", tls_client_error());
    tls_client_free(c);
    shutdown(p->fd, SHUT_WR);
    return NULL;
}

void peer_start(struct peer *p, struct line *l)
{
    p->fd = l->far;
    if (!p->play)
        p->play = play_nothing;
    cr_assert_eq(pthread_create(&p->thread, NULL, run_peer, p), 0);
}

void peer_join(struct peer *p)
{
    pthread_join(p->thread, NULL);
}

void peer_meet(struct peer *p, struct tls_context *t)
{
    struct line l;

    line_open(&l, CONTROL, 0);
    cr_assert_eq(stream_secure(l.s, t, STREAM_CONTROL), 0);
    peer_start(p, &l);
    line_handshake(&l);
    peer_join(p);
    line_close(&l);
}

void line_with_peer(struct line *l, struct peer *p, size_t buffer, int socket)
{
    line_secured(l, buffer, socket);
    peer_start(p, l);
    cr_assert_eq(line_handshake(l), STREAM_OK, "%s", stream_cause(l->s));
}

/* 251 is prime: no size of a block or a record is a multiple of it. */
static unsigned char pattern[64 * 251];

__attribute__((constructor)) static void make_pattern(void)
{
    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = (unsigned char)(i % 251);
}

/* Returns the bytes that stand at AT, at most *N of them; *N: how many. */
static const unsigned char *pattern_at(size_t at, size_t *n)
{
    at %= sizeof(pattern);
    *n = *n < sizeof(pattern) - at ? *n : sizeof(pattern) - at;
    return pattern + at;
}

void pattern_fill(unsigned char *into, size_t len, size_t at)
{
    for (size_t n; (n = len) > 0; into += n, len -= n, at += n) {
        const unsigned char *from = pattern_at(at, &n);

        memcpy(into, from, n);
    }
}

bool pattern_holds(const unsigned char *bytes, size_t len, size_t at)
{
    for (size_t n; (n = len) > 0; bytes += n, len -= n, at += n) {
        const unsigned char *from = pattern_at(at, &n);

        if (memcmp(bytes, from, n) != 0)
            return false;
    }
    return true;
}

void play_nothing(struct tls_client *c, struct peer *p)
{
    (void)c;
    p->ok = true;
}

void play_read_all(struct tls_client *c, struct peer *p)
{
    unsigned char bytes[5000];
    long n;
    p->ok = true;
    while ((n = tls_client_read(c, bytes, sizeof(bytes))) > 0) {
        p->ok = p->ok && pattern_holds(bytes, (size_t)n, p->bytes);
        p->bytes += (size_t)n;
    }
    p->last = n;
}

void play_write_all(struct tls_client *c, struct peer *p)
{
    unsigned char bytes[7000];
    p->ok = true;
    for (size_t at = 0; at < p->bytes && p->ok;) {
        size_t n =
            p->bytes - at < sizeof(bytes) ? p->bytes - at : sizeof(bytes);
        pattern_fill(bytes, n, at);
        p->ok = tls_client_write(c, bytes, n);
        at += n;
    }
    p->ok = p->ok && tls_client_shutdown(c);
}
