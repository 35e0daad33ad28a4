/* Tests which TLS versions, suites and extensions the server accepts. */
#include <openssl/ssl.h>

#include "raw.h"
#include "support/long.h"
#include "tls/tls.h"

struct row {
    const char *what;
    struct tls_client_options options;
    enum stream_state expected;
    const char *client;     /* a part of the client's error, or of its cipher */
    const char *cause;      /* a part of stream_cause(), or NULL */
    unsigned least, suites; /* the policy */
};
static const struct row rows[] = {
    { "any", { 0 }, STREAM_OK, .client = "TLSv1.3 TLS_AES_128_GCM_SHA256" },
    { "TLS 1.0",
      { .version = TLS1_VERSION },
      STREAM_FAILED,
      .client = "alert protocol version" },
    { "TLS 1.1",
      { .version = TLS1_1_VERSION },
      STREAM_FAILED,
      .client = "alert protocol version" },
    { "AES-256",
      { .version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384" },
      STREAM_OK,
      .client = "TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384" },
    { "ChaCha20",
      { .version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305" },
      STREAM_OK,
      .client = "TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305" },
    { "the server's choice",
      { .version = TLS1_2_VERSION,
        .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:"
                   "ECDHE-ECDSA-AES128-GCM-SHA256" },
      STREAM_OK,
      .client = "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256" },
    { "CBC",
      { .version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-SHA256" },
      STREAM_FAILED,
      .client = "handshake failure" },
    { "CCM",
      { .version = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-CCM" },
      STREAM_FAILED,
      .client = "handshake failure" },
    { "no forward secrecy",
      { .version = TLS1_2_VERSION, .ciphers = "AES128-GCM-SHA256" },
      STREAM_FAILED,
      .client = "handshake failure" },
    { "TLS 1.2 without extended master secret",
      { .version = TLS1_2_VERSION, .without_ems = true },
      STREAM_FAILED,
      .client = "alert handshake failure",
      "no extended master secret" },
    { "the same, of a client that has TLS 1.3",
      { .without_ems = true },
      STREAM_OK,
      .client = "TLSv1.3" },
    { "P-256", { .groups = "P-256" }, STREAM_OK, .client = "TLSv1.3" },
    { "X25519", { .groups = "X25519" }, STREAM_OK, .client = "TLSv1.3" },
    { "P-384", { .groups = "P-384" }, STREAM_OK, .client = "TLSv1.3" },
    { "ALPN ftp", { .alpn = "ftp" }, STREAM_OK, .client = "TLSv1.3" },
    { "ALPN http/1.1",
      { .alpn = "http/1.1" },
      STREAM_FAILED,
      .client = "alert no application protocol" },
    { "ALPN ft",
      { .alpn = "ft" },
      STREAM_FAILED,
      .client = "alert no application protocol" },
    { "ALPN ftps",
      { .alpn = "ftps" },
      STREAM_FAILED,
      .client = "alert no application protocol" },
    { "ALPN 1.2",
      { .alpn = "h2", .version = TLS1_2_VERSION },
      STREAM_FAILED,
      .client = "alert no application protocol" },
    { "1.3 only",
      { .version = TLS1_2_VERSION },
      STREAM_FAILED,
      .client = "alert protocol version",
      "the client offers only TLS versions below tls_min",
      .least = TLS_13 },
    { "1.3 only, and no extended master secret",
      { .version = TLS1_2_VERSION, .without_ems = true },
      STREAM_FAILED,
      .client = "alert protocol version",
      .least = TLS_13 },
    { "1.3 only, for who has it",
      { 0 },
      STREAM_OK,
      .client = "TLSv1.3",
      .least = TLS_13 },
    { "a client that refuses",
      { .distrust = X509_V_ERR_APPLICATION_VERIFICATION },
      STREAM_FAILED,
      .client = "",
      "the client ended the handshake (alert handshake_failure)",
      .least = TLS_13 },
    { "AES-256",
      { 0 },
      STREAM_OK,
      .client = "TLSv1.3 TLS_AES_256_GCM_SHA384",
      .suites = SUITES_AES256 },
    { "AES-256 of 1.2",
      { .version = TLS1_2_VERSION },
      STREAM_OK,
      .client = "TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384",
      .suites = SUITES_AES256 },
    { "and no other",
      { .suites = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256",
        .version = TLS1_3_VERSION },
      STREAM_FAILED,
      .client = "alert handshake failure",
      .suites = SUITES_AES256 },
    { "and no other of 1.2",
      { .version = TLS1_2_VERSION,
        .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:"
                   "ECDHE-ECDSA-CHACHA20-POLY1305" },
      STREAM_FAILED,
      .client = "alert handshake failure",
      .suites = SUITES_AES256 },
};

static struct tls_context *context_as(enum key_kind kind,
                                      const struct tls_policy *policy,
                                      struct complaint *c)
{
    struct credentials made;
    struct tls_context *t;

    credentials_make(&made, &(struct credentials_spec){ .kind = kind });
    const struct key_files files = { made.certificate_fd, "cert.pem",
                                     made.key_fd, "key.pem" };
    t = signer_context_as(&files, 1, policy, c);
    credentials_close(&made);
    return t;
}

static void try_client(const struct row *row)
{
    const struct tls_policy policy = { row->least, row->suites };
    struct peer p = { .options = row->options };
    struct complaint c = { "" };
    enum stream_state st;
    struct line l;

    line_open(&l, CONTROL, 0);
    l.context = context_as(KEY_EC, &policy, &c);
    cr_assert(l.context, "%s: %s", row->what, c.text);
    cr_assert_eq(stream_secure(l.s, l.context, STREAM_CONTROL), 0);
    peer_start(&p, &l);
    st = line_handshake(&l);
    if (st != STREAM_OK)
        shutdown(l.near, SHUT_WR);
    peer_join(&p);
    cr_assert_eq(st, row->expected, "%s: %s", row->what, stream_cause(l.s));
    const char *said = st == STREAM_OK ? p.cipher : p.error;
    cr_assert(strstr(said, row->client), "%s: the client: %s", row->what, said);
    cr_assert_eq(st == STREAM_OK, strlen(stream_cause(l.s)) == 0);
    cr_assert(!row->cause || strstr(stream_cause(l.s), row->cause), "%s: %s",
              row->what, stream_cause(l.s));
    if (st == STREAM_OK && row->options.alpn)
        cr_assert_str_eq(p.protocol, "ftp");
    line_close(&l);
}

Test(policy, who_is_let_in, WITHOUT_SANITIZERS)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        try_client(&rows[i]);
}

/* Features that no handshake may use. Older versions of OpenSSL don't know all
 * of them. */
static const struct {
    const char *what;
    uint64_t option;
} never[] = {
    { "renegotiation", SSL_OP_NO_RENEGOTIATION },
    { "compression", SSL_OP_NO_COMPRESSION },
#ifdef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION
    { "compressed certificates, of clients",
      SSL_OP_NO_RX_CERTIFICATE_COMPRESSION },
    { "compressed certificates, to them",
      SSL_OP_NO_TX_CERTIFICATE_COMPRESSION },
#endif
};

Test(policy, options)
{
    SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());

    cr_assert_eq(policy_set(ssl, &(struct tls_policy){ 0 }), 0);
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        cr_expect(SSL_CTX_get_options(ssl) & never[i].option, "%s",
                  never[i].what);
    SSL_CTX_free(ssl);
}

/* All suites must have ephemeral keys, which their names show, and
 * authenticated encryption. */
Test(policy, suites_are_good)
{
    for (unsigned i = 0; i < SUITES_COUNT; i++) {
        SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());
        STACK_OF(SSL_CIPHER) * all;

        cr_assert_eq(policy_set(ssl, &(struct tls_policy){ .suites = i }), 0);
        all = SSL_CTX_get_ciphers(ssl);
        cr_expect_eq(sk_SSL_CIPHER_num(all), i == SUITES_ALL ? 9 : 3);
        for (int n = 0; n < sk_SSL_CIPHER_num(all); n++) {
            const SSL_CIPHER *one = sk_SSL_CIPHER_value(all, n);
            const char *name = SSL_CIPHER_get_name(one);

            cr_expect(SSL_CIPHER_is_aead(one), "%s", name);
            cr_expect(strncmp(name, "ECDHE-", 6) == 0 ||
                          strncmp(name, "TLS_", 4) == 0,
                      "%s", name);
            cr_expect(i == SUITES_ALL || strstr(name, "256_GCM") ||
                          strstr(name, "256-GCM"),
                      "%s", name);
        }
        SSL_CTX_free(ssl);
    }
    cr_expect_eq(
        policy_set(NULL, &(struct tls_policy){ .suites = SUITES_COUNT }),
        -EINVAL);
}

/* A new context makes a handshake of each version, so the suites must suit each
 * kind of key. */
Test(policy, suites_suit_each_key, WITH_SANITIZERS)
{
    static const enum key_kind kinds[] = { KEY_EC, KEY_EC_384, KEY_EC_521,
                                           KEY_RSA, KEY_ED25519 };

    for (unsigned i = 0; i < SUITES_COUNT; i++)
        for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
            const struct tls_policy policy = { .suites = i };
            struct complaint c = { "" };
            struct tls_context *t = context_as(kinds[k], &policy, &c);

            cr_expect(t, "%s, key %zu: %s", suites_words[i], k, c.text);
            tls_context_free(t);
        }
}

/* The client offers ftp, but not first; or only names that contain the bytes of
 * ftp. */
Test(policy, alpn_finds_ftp_among_others)
{
    static const unsigned char good[] = "\x02h2\x04"
                                        "ftps"
                                        "\x03"
                                        "ftp";
    static const unsigned char bad[] = "\x02h2\x04"
                                       "ftps"
                                       "\x05"
                                       "\x03"
                                       "ftpx";
    const struct {
        const unsigned char *offer;
        unsigned len;
        enum stream_state expected;
    } offers[] = { { good, sizeof(good) - 1, STREAM_OK },
                   { bad, sizeof(bad) - 1, STREAM_FAILED } };
    for (size_t i = 0; i < 2; i++) {
        struct raw r;
        struct line l;
        line_secured(&l, CONTROL, 0);
        raw_open(&r, TLS1_3_VERSION, NULL);
        SSL_set_alpn_protos(r.ssl, offers[i].offer, offers[i].len);
        cr_assert_eq(raw_handshake(&r, &l), offers[i].expected, "%zu", i);
        raw_close(&r);
        line_close(&l);
    }
}

/* Before a login, the server sends no tickets of TLS 1.3, and accepts no ticket
 * that the client shows. */
Test(policy, nothing_is_resumed)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    struct tls_context *t = context_make();
    for (size_t i = 0; i < 2; i++) {
        SSL_SESSION *session = NULL;
        for (int round = 0; round < 2; round++) {
            struct raw r;
            struct line l;
            char bytes[64];
            line_open(&l, CONTROL, 0);
            cr_assert_eq(stream_secure(l.s, t, STREAM_CONTROL), 0);
            raw_open(&r, versions[i], session);
            cr_assert_eq(raw_handshake(&r, &l), STREAM_OK);
            cr_assert_eq(SSL_session_reused(r.ssl), 0);
            cr_assert_eq(SSL_read(r.ssl, bytes, sizeof(bytes)), -1);
            SSL_SESSION_free(session);
            session = SSL_get1_session(r.ssl);
            cr_assert_eq(SSL_SESSION_has_ticket(session), i == 0);
            SSL_shutdown(r.ssl);
            raw_close(&r);
            line_close(&l);
        }
        SSL_SESSION_free(session);
    }
    tls_context_free(t);
}

LineTest(policy, renegotiation_is_refused, line_secured(l, CONTROL, 0))
{
    struct raw r;
    char bytes[64];
    size_t n;
    raw_open(&r, TLS1_2_VERSION, NULL);
    cr_assert_eq(raw_handshake(&r, l), STREAM_OK);
    cr_assert_eq(SSL_renegotiate(r.ssl), 1);
    raw_step(&r);
    raw_say(&r, l);
    cr_assert_eq(stream_read(l->s, bytes, sizeof(bytes), &n), STREAM_AGAIN);
    (void)stream_read(l->s, bytes, sizeof(bytes), &n);
    raw_hear(&r, l);
    cr_assert(!raw_step(&r), "no second handshake");
    raw_close(&r);
}
