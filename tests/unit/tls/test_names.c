/* Tests a server with several certificates: which of them a client gets. */
#include <openssl/ssl.h>

#include "fixture.h"
#include "support/long.h"

#define EC_ONLY  "ECDSA+SHA256"
#define RSA_ONLY "RSA-PSS+SHA256:RSA+SHA256"

/* The serial number of each certificate is its position, from 1. */
static const struct credentials_spec pairs[] = {
    { .kind = KEY_EC, .names = "DNS:one.example,DNS:also.example" },
    { .kind = KEY_RSA, .names = "DNS:also.example,DNS:one.example" },
    { .kind = KEY_EC, .names = "DNS:*.wild.example" },
    { .kind = KEY_EC, .names = "DNS:tame.wild.example" },
    { .kind = KEY_RSA, .names = "DNS:rsa.example" },
    { .kind = KEY_EC, .names = "DNS:ftp.both.example" },
    { .kind = KEY_RSA, .names = "DNS:*.both.example" },
};

static struct tls_context *make(const struct credentials_spec *specs, size_t n,
                                struct complaint *c)
{
    struct credentials made[CERTIFICATES_MAX + 1];
    struct key_files files[CERTIFICATES_MAX + 1] = { 0 };
    char names[CERTIFICATES_MAX + 1][2][32];
    struct tls_context *t;

    for (size_t i = 0; i < n; i++) {
        struct credentials_spec spec = specs[i];

        spec.serial = (long)i + 1;
        credentials_make(&made[i], &spec);
        snprintf(names[i][0], sizeof(names[i][0]), "cert%zu", i + 1);
        snprintf(names[i][1], sizeof(names[i][1]), "key%zu", i + 1);
        files[i] = (struct key_files){ made[i].certificate_fd, names[i][0],
                                       made[i].key_fd, names[i][1] };
    }
    t = signer_context_of(files, n, c);
    for (size_t i = 0; i < n; i++)
        credentials_close(&made[i]);
    return t;
}

static const struct row {
    const char *name, *schemes;
    long serial; /* 0: no handshake */
} rows[] = {
    { NULL, NULL, 1 },
    { NULL, RSA_ONLY, 2 },
    { "one.example", NULL, 1 },
    { "ONE.example", RSA_ONLY, 2 },
    { "also.example", EC_ONLY, 1 },
    { "nobody.example", NULL, 1 },
    { "nobody.example", RSA_ONLY, 2 },
    { "any.wild.example", NULL, 3 },
    { "any.wild.example", RSA_ONLY, 0 },
    { "two.any.wild.example", NULL, 1 },
    { "tame.wild.example", NULL, 4 },
    { "rsa.example", NULL, 5 },
    { "rsa.example", EC_ONLY, 0 },
    { "ftp.both.example", EC_ONLY, 6 },
    { "ftp.both.example", RSA_ONLY, 7 },
};

/* In TLS 1.2, RSA suites need an RSA certificate, and ECDSA suites an EC
 * certificate. Both versions have the same table. */
Test(names, the_certificate_for_a_name, WITH_SANITIZERS)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    struct complaint c = { "" };
    struct tls_context *t = make(pairs, sizeof(pairs) / sizeof(pairs[0]), &c);

    cr_assert(t, "%s", c.text);
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i / 2];
        struct peer p = { .options = { .name = row->name,
                                       .schemes = row->schemes,
                                       .version = versions[i % 2] } };

        peer_meet(&p, t);
        cr_expect_eq(p.serial, row->serial, "%s %s: %ld", row->name,
                     row->schemes, p.serial);
    }
    tls_context_free(t);
}

static const struct {
    struct credentials_spec pairs[3];
    size_t count;
    const char *complaint;
} refused[] = {
    { { { .kind = KEY_EC }, { .kind = KEY_RSA, .expired = true } },
      2,
      "cert2: the certificate has expired" },
    { { { .kind = KEY_EC }, { .kind = KEY_RSA_WEAK } }, 2, "key2: a key of" },
    { { { .kind = KEY_EC, .usage = "digitalSignature" },
        { .kind = KEY_RSA, .usage = "keyEncipherment" } },
      2,
      "cert2: its key usage has no digitalSignature" },
    { { { .kind = KEY_EC, .names = "DNS:a,DNS:b" },
        { .kind = KEY_RSA, .names = "DNS:a" },
        { .kind = KEY_EC_384, .names = "DNS:b,DNS:a" } },
      3,
      "cert3 has the same names and the same kind of key as cert1; remove one "
      "of the two" },
};

Test(names, one_bad_pair_is_named, WITH_SANITIZERS)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct complaint c = { "" };

        cr_expect_null(make(refused[i].pairs, refused[i].count, &c));
        cr_expect_eq(
            strncmp(c.text, refused[i].complaint, strlen(refused[i].complaint)),
            0, "%s", c.text);
    }
}

Test(names, at_most_16)
{
    struct credentials_spec many[CERTIFICATES_MAX];
    char names[CERTIFICATES_MAX][32];
    struct complaint c = { "" };
    struct tls_context *t;
    struct peer p = { .options = { .name = "n15.example" } };

    for (size_t i = 0; i < CERTIFICATES_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "DNS:n%zu.example", i);
        many[i] =
            (struct credentials_spec){ .kind = KEY_EC, .names = names[i] };
    }
    t = make(many, CERTIFICATES_MAX, &c);
    cr_assert(t, "%s", c.text);
    peer_meet(&p, t);
    cr_expect_eq(p.serial, 16);
    tls_context_free(t);
    cr_assert_null(tls_context_new(NULL, CERTIFICATES_MAX + 1,
                                   &(struct tls_policy){ 0 },
                                   &(struct signer){ 0 }, &c));
    cr_assert_str_eq(c.text, "17 certificates: 1 to 16 are possible");
}

/* The host that a letter to a partner names is the first DNS name of the
 * certificate that has no wildcard. */
Test(names, the_host_of_a_certificate)
{
    static const struct {
        const char *names, *host;
    } hosts[] = {
        { "DNS:one.example,DNS:also.example", "one.example" },
        { "DNS:*.wild.example,IP:192.0.2.1,DNS:b.example", "b.example" },
        { "DNS:*.wild.example", "" },
        { "DNS:drop", "drop" },
        { "DNS:-K.example,DNS:a b,DNS:Ftp_2.example", "Ftp_2.example" },
    };

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        const struct credentials_spec spec = { .kind = KEY_EC,
                                               .names = hosts[i].names };
        struct complaint c = { "" };
        struct tls_pair_facts f;
        struct tls_context *t = make(&spec, 1, &c);

        cr_assert(t && tls_context_pair(t, 0, &f), "%s", c.text);
        cr_expect_str_eq(f.host, hosts[i].host);
        cr_expect(f.self_signed);
        tls_context_free(t);
    }
}
