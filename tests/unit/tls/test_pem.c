/* Certificates and keys that a server can't use, and the complaints about
 * them. */
#include "fixture.h"

static struct tls_context *load(const struct credentials *c,
                                struct complaint *complaint)
{
    complaint->text[0] = '\0';
    const struct key_files files = { c->certificate_fd, "cert.pem", c->key_fd,
                                     "key.pem" };
    return signer_context(&files, complaint);
}

struct row {
    struct credentials_spec spec;
    const char *complaint; /* NULL: good */
};
static const struct row rows[] = {
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

Test(pem, what_is_loaded_and_what_is_refused)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct complaint complaint;
        struct credentials c;
        credentials_make(&c, &rows[i].spec);
        struct tls_context *t = load(&c, &complaint);
        const char *expected = rows[i].complaint;
        cr_assert_eq(t != NULL, expected == NULL, "%zu: %s", i, complaint.text);
        if (expected)
            cr_assert_eq(strncmp(complaint.text, expected, strlen(expected)), 0,
                         "%zu: %s", i, complaint.text);
        else
            cr_assert_str_eq(complaint.text, "");
        cr_assert(fcntl(c.certificate_fd, F_GETFD) >= 0, "still the caller's");
        cr_assert(fcntl(c.key_fd, F_GETFD) >= 0);
        tls_context_free(t);
        credentials_close(&c);
    }
}

Test(pem, a_key_of_another_certificate)
{
    static const unsigned kinds[][2] = {
        { KEY_EC, KEY_EC },     { KEY_EC, KEY_EC_384 },
        { KEY_EC_384, KEY_EC }, { KEY_EC, KEY_RSA },
        { KEY_RSA, KEY_RSA },   { KEY_ED25519, KEY_ED25519 }
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct complaint complaint;
        struct credentials a, b;
        credentials_make(&a, &(struct credentials_spec){ .kind = kinds[i][0] });
        credentials_make(&b, &(struct credentials_spec){ .kind = kinds[i][1] });
        struct credentials mixed = { a.certificate_fd, b.key_fd };
        cr_assert_null(load(&mixed, &complaint));
        cr_assert_str_eq(complaint.text,
                         "key.pem: not the key of the certificate in cert.pem",
                         "%zu: %s", i, complaint.text);
        credentials_close(&a);
        credentials_close(&b);
    }
}

Test(pem, files_the_wrong_way_round)
{
    struct complaint complaint;
    struct credentials c;
    credentials_make(&c, &(struct credentials_spec){ .kind = KEY_EC });
    struct credentials swapped = { c.key_fd, c.certificate_fd };
    cr_assert_null(load(&swapped, &complaint));
    cr_assert_str_eq(complaint.text,
                     "key.pem: holds no private key in PEM form");
    struct credentials none = { c.key_fd, c.key_fd };
    cr_assert_null(load(&none, &complaint));
    cr_assert_str_eq(complaint.text,
                     "cert.pem: holds no certificate in PEM form");
    struct credentials twice = { c.certificate_fd, c.certificate_fd };
    cr_assert_null(load(&twice, &complaint));
    cr_assert_str_eq(complaint.text,
                     "key.pem: holds no private key in PEM form");
    credentials_close(&c);
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
        { "", "holds no certificate in PEM form" },
        { "hello\n", "holds no certificate in PEM form" },
        { "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
          "certificate 1 can't be read" },
        { "-----BEGIN CERTIFICATE-----\n", "certificate 1 can't be read" },
    };
    struct credentials c;
    credentials_make(&c, &(struct credentials_spec){ .kind = KEY_EC });
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct complaint complaint;
        int fd = text_fd(texts[i][0], strlen(texts[i][0]));
        cr_assert_null(load(&(struct credentials){ fd, c.key_fd }, &complaint));
        cr_assert(strstr(complaint.text, texts[i][1]), "%zu: %s", i,
                  complaint.text);
        close(fd);
    }
    credentials_close(&c);
}

Test(pem, descriptors_that_cannot_be_read)
{
    static char large[300 << 10];
    struct complaint complaint;
    struct credentials c;
    credentials_make(&c, &(struct credentials_spec){ .kind = KEY_EC });
    int fd = text_fd(large, sizeof(large));
    cr_assert_null(
        load(&(struct credentials){ c.certificate_fd, fd }, &complaint));
    cr_assert_str_eq(complaint.text,
                     "key.pem: too large for a PEM file (more than 256 KiB)");
    close(fd);
    cr_assert_null(load(&(struct credentials){ -1, c.key_fd }, &complaint));
    cr_assert_str_eq(complaint.text, "cert.pem: Bad file descriptor");
    credentials_close(&c);
}

/* The same descriptors are used again: by a reload, or a second gate. */
Test(pem, loading_twice)
{
    struct complaint complaint;
    struct credentials c;
    credentials_make(&c, &(struct credentials_spec){ .kind = KEY_EC });
    for (int i = 0; i < 2; i++) {
        struct tls_context *t = load(&c, &complaint);
        cr_assert(t, "%s", complaint.text);
        tls_context_free(t);
    }
    credentials_close(&c);
}
