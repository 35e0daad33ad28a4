/* Tests the complaints about certificates and keys that a server can't use. */
#include "fixture.h"
#include "support/long.h"

/* Makes a context of two files. WHY NULL: the context must be good; otherwise
 * the complaint must begin with WHY. */
static void expect_loaded(int certificate, int key, const char *why)
{
    const struct key_files files = { certificate, "cert.pem", key, "key.pem" };
    struct complaint c = { "" };
    struct tls_context *t = signer_context(&files, &c);

    cr_assert_eq(t != NULL, why == NULL, "%s: %s", why, c.text);
    if (why)
        cr_assert_eq(strncmp(c.text, why, strlen(why)), 0, "%s: %s", why,
                     c.text);
    else
        cr_assert_str_eq(c.text, "");
    tls_context_free(t);
}

static struct credentials made;

static void make_pair(void)
{
    credentials_make(&made, &(struct credentials_spec){ .kind = KEY_EC });
}

static void close_pair(void)
{
    credentials_close(&made);
}

TestSuite(pem, .init = make_pair, .fini = close_pair);

static const struct {
    struct credentials_spec spec;
    const char *complaint; /* NULL: good */
} rows[] = {
    { { .kind = KEY_EC }, NULL },
    { { .kind = KEY_RSA }, NULL },
    { { .kind = KEY_ED25519 }, NULL },
    { { .kind = KEY_RSA_WEAK },
      "key.pem: a key of 1024 bits is too weak (2048 at least)" },
    { { .kind = KEY_EC_WEAK },
      "key.pem: a key of 224 bits is too weak (256 at least)" },
    { { .kind = KEY_EC, .expired = true },
      "cert.pem: the certificate has expired" },
    { { .kind = KEY_EC, .later = true },
      "cert.pem: the certificate is not valid yet: only from " },
    { { .kind = KEY_EC, .passphrase = "secret" },
      "key.pem: the key is protected by a passphrase" },
};

/* The caller keeps the descriptors, since another reload, or a second gate,
 * uses them again. */
Test(pem, what_is_loaded_and_what_is_refused)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct credentials c;

        credentials_make(&c, &rows[i].spec);
        for (int times = 0; times < 2; times++)
            expect_loaded(c.certificate_fd, c.key_fd, rows[i].complaint);
        cr_assert(fcntl(c.certificate_fd, F_GETFD) >= 0);
        cr_assert(fcntl(c.key_fd, F_GETFD) >= 0);
        credentials_close(&c);
    }
}

Test(pem, a_key_of_another_certificate, WITH_SANITIZERS)
{
    static const unsigned kinds[][2] = {
        { KEY_EC, KEY_EC },     { KEY_EC, KEY_EC_384 },
        { KEY_EC_384, KEY_EC }, { KEY_EC, KEY_RSA },
        { KEY_RSA, KEY_RSA },   { KEY_ED25519, KEY_ED25519 }
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct credentials a, b;

        credentials_make(&a, &(struct credentials_spec){ .kind = kinds[i][0] });
        credentials_make(&b, &(struct credentials_spec){ .kind = kinds[i][1] });
        expect_loaded(a.certificate_fd, b.key_fd,
                      "key.pem: not the key of the certificate in cert.pem");
        credentials_close(&a);
        credentials_close(&b);
    }
}

Test(pem, files_the_wrong_way_round)
{
    static const char no_key[] = "key.pem: holds no private key in PEM form";

    expect_loaded(made.key_fd, made.certificate_fd, no_key);
    expect_loaded(made.certificate_fd, made.certificate_fd, no_key);
    expect_loaded(made.key_fd, made.key_fd,
                  "cert.pem: holds no certificate in PEM form");
}

static int text_fd(const char *text, size_t len)
{
    int fd = memfd_create("text", MFD_CLOEXEC);

    cr_assert_eq(write(fd, text, len), (ssize_t)len);
    return fd;
}

Test(pem, texts_that_are_no_certificate)
{
    static const char *const texts[][2] = {
        { "", "cert.pem: holds no certificate in PEM form" },
        { "hello\n", "cert.pem: holds no certificate in PEM form" },
        { "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
          "cert.pem: certificate 1 can't be read" },
        { "-----BEGIN CERTIFICATE-----\n",
          "cert.pem: certificate 1 can't be read" },
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int fd = text_fd(texts[i][0], strlen(texts[i][0]));

        expect_loaded(fd, made.key_fd, texts[i][1]);
        close(fd);
    }
}

Test(pem, descriptors_that_cannot_be_read)
{
    static char large[300 << 10];
    int fd = text_fd(large, sizeof(large));

    expect_loaded(made.certificate_fd, fd,
                  "key.pem: too large for a PEM file (more than 256 KiB)");
    close(fd);
    expect_loaded(-1, made.key_fd, "cert.pem: Bad file descriptor");
}
