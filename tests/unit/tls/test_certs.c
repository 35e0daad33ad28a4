/* Tests certs/make: its certificates load into a server and convince a client,
 * and it overwrites no file unless it is told to. */
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "fixture.h"
#include "support/files.h"
#include "support/long.h"
#include "support/scratch.h"
#include "tls/tls.h"

TestSuite(certs, .init = scratch_enter, .fini = scratch_remove,
          WITHOUT_SANITIZERS);

/* Runs certs/make with these arguments. Returns its exit status, and leaves its
 * output in the file "said". */
static int make(const char *arguments)
{
    char command[512];
    snprintf(command, sizeof(command), "%s %s >said 2>&1",
             in_source("certs/make"), arguments);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool said(const char *text)
{
    char bytes[4096] = "";
    FILE *f = fopen("said", "r");
    cr_assert(f);
    size_t n = fread(bytes, 1, sizeof(bytes) - 1, f);
    bytes[n] = '\0';
    fclose(f);
    return strstr(bytes, text);
}

#define FINGERPRINT_TEXT 256

/* Makes the lines about certificate.pem that the client shows with
 * --trust-new. */
static void fingerprint(char out[FINGERPRINT_TEXT])
{
    unsigned char hash[32], *key = NULL, pin[64];
    unsigned len = sizeof(hash);
    FILE *f = fopen("certificate.pem", "r");
    X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
    int n = snprintf(out, FINGERPRINT_TEXT, "  fingerprint  SHA-256 ");
    int key_len;

    cr_assert(x && X509_digest(x, EVP_sha256(), hash, &len) == 1);
    for (unsigned i = 0; i < len; i++)
        n += snprintf(out + n, FINGERPRINT_TEXT - (size_t)n, "%s%02X",
                      i > 0 ? ":" : "", hash[i]);
    key_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &key);
    cr_assert(key_len > 0 && EVP_Digest(key, (size_t)key_len, hash, &len,
                                        EVP_sha256(), NULL) == 1);
    EVP_EncodeBlock(pin, hash, (int)len);
    snprintf(out + n, FINGERPRINT_TEXT - (size_t)n,
             "\n  public key   sha256//%s\n", (char *)pin);
    OPENSSL_free(key);
    X509_free(x);
    fclose(f);
}

static unsigned mode(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static struct tls_context *load(const char *certificate, const char *key)
{
    struct complaint c = { "" };
    int a = open(certificate, O_RDONLY), b = open(key, O_RDONLY);
    const struct key_files files = { a, certificate, b, key };
    struct tls_context *t = signer_context(&files, &c);
    cr_assert(t, "%s", c.text);
    close(a);
    close(b);
    return t;
}

/* Does a client that trusts AUTHORITY and expects NAME accept a server with
 * T? */
static bool meets(struct tls_context *t, const char *authority,
                  const char *name)
{
    struct peer p = { .options = { .authority = authority, .name = name } };

    peer_meet(&p, t);
    return p.shaken;
}

Test(certs, self_signed)
{
    char text[FINGERPRINT_TEXT];
    struct tls_pair_facts f;
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key;

    cr_assert_eq(make("localhost 127.0.0.1 ::1 ftp.example.org"), 0);
    cr_assert_eq(mode("key.pem"), 0600u);
    cr_assert_eq(mode("certificate.pem"), 0644u);
    struct tls_context *t = load("certificate.pem", "key.pem");
    cr_assert(meets(t, "certificate.pem", "localhost"));
    cr_assert(meets(t, "certificate.pem", "ftp.example.org"));
    fingerprint(text);
    cr_assert(tls_context_pair(t, 0, &f));
    cr_expect(strstr(text, f.fingerprint) && strlen(f.fingerprint) == 95, "%s",
              f.fingerprint);
    cr_expect(strstr(text, f.pin) && strlen(f.pin) == 8 + 44, "%s", f.pin);
    key = t->identity[0].key;
    cr_expect_eq(EVP_PKEY_todata(key, EVP_PKEY_PUBLIC_KEY, &params), 1);
    OSSL_PARAM_free(params);
    cr_expect_neq(EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params), 1);
    cr_assert(!meets(t, "certificate.pem", "www.example.org"));
    tls_context_free(t);
}

Test(certs, from_a_small_ca)
{
    cr_assert_eq(make("--ca ca --out one one.example"), 0);
    cr_assert_eq(make("--ca ca --out two '*.two.example'"), 0);
    cr_assert_eq(mode("ca/key.pem"), 0600u);
    cr_assert_eq(mode("ca") & 077, 0u);
    cr_assert_eq(mode("one/key.pem"), 0600u);
    struct tls_context *one = load("one/certificate.pem", "one/key.pem");
    struct tls_context *two = load("two/certificate.pem", "two/key.pem");
    cr_assert(meets(one, "two/ca.pem", "one.example"));
    cr_assert(meets(two, "one/ca.pem", "a.two.example"));
    cr_assert(!meets(two, "one/ca.pem", "one.example"));
    cr_assert(!meets(one, "two/certificate.pem", "one.example"));
    tls_context_free(one);
    tls_context_free(two);
}

/* Replaces the certificate of a directory with a key. */
Test(certs, nothing_is_overwritten_unasked)
{
    static const struct {
        const char *arguments;
        int status;
        const char *said;
        bool same; /* the key */
    } rows[] = {
        { "--ca ca a", 73, "exists already (--force replaces", true },
        { "--new-key a", 73, "exists already", true },
        { "--force --ca ca b", 0, "key.pem stays", true },
        { "--force a", 0, "needs nothing", true },
        { "--force a", 0, "the old certificate.pem need the new one", true },
        { "--force --new-key a", 0, "and ./key.pem for a", false },
        { "--force --new-key a", 0, "the old certificate.pem need", false },
    };
    static const char *const others[] = {
        "-algorithm RSA", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
        "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -outform DER",
        "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -pass pass:x"
    };
    struct stat before, after;
    char command[256];

    cr_assert_eq(make("--ca ca a"), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_assert_eq(stat("key.pem", &before), 0);
        cr_expect_eq(make(rows[i].arguments), rows[i].status);
        cr_expect(said(rows[i].said), "%s", rows[i].arguments);
        cr_assert_eq(stat("key.pem", &after), 0);
        cr_expect_eq(before.st_ino == after.st_ino, rows[i].same);
        tls_context_free(load("certificate.pem", "key.pem"));
    }
    /* A key that the server or this script can't use stays, too. */
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        snprintf(command, sizeof(command),
                 "openssl genpkey %s -out other/key.pem 2>/dev/null",
                 others[i]);
        cr_assert(i > 0 || mkdir("other", 0700) == 0);
        cr_assert_eq(system(command), 0);
        cr_expect_eq(make("--force --out other a"), 1);
        cr_expect(said("; --new-key replaces it"));
    }
    cr_expect_eq(access("other/certificate.pem", F_OK), -1);

    cr_assert_eq(stat("ca/key.pem", &before), 0);
    cr_assert_eq(make("--force --ca ca a"), 0);
    cr_assert_eq(stat("ca/key.pem", &after), 0);
    cr_assert_eq(before.st_ino, after.st_ino, "never the CA");
    tls_context_free(load("certificate.pem", "key.pem"));
}

/* certs/make prints the fingerprint, since FileZilla asks people to compare
 * it. */
Test(certs, the_fingerprint_is_printed)
{
    char text[FINGERPRINT_TEXT];

    cr_assert_eq(make("--ca ca a"), 0);
    fingerprint(text);
    cr_expect(said(text), "%s", text);
}

Test(certs, mistakes_are_named)
{
    static const struct {
        const char *arguments;
        int status;
        const char *said;
    } rows[] = {
        { "", 64, "no name given" },
        { "--nonsense a", 64, "unknown option --nonsense" },
        { "--days 0 a", 64, "--days 0" },
        { "--days", 64, "--days needs a value" },
        { "'a,IP:1.2.3.4'", 64, "neither a DNS name nor an IP address" },
        { "'a\n[x]'", 64, "neither a DNS name nor an IP address" },
        { "'$(id)'", 64, "neither a DNS name nor an IP address" },
        { "300.1.1.1", 64, "not an IPv4 address" },
        { "1:2:3", 64, "neither a DNS name nor an IP address" },
        { "--ca . a", 64, "the same directory" },
        { "--out said/x a", 1, "can't be made" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_assert_eq(make(rows[i].arguments), rows[i].status, "%s",
                     rows[i].arguments);
        cr_assert(said(rows[i].said), "%s", rows[i].arguments);
        cr_assert_eq(access("key.pem", F_OK), -1);
    }
    cr_assert_eq(make("--ca ca --days 4000 a"), 1);
    cr_assert(said("ends before the 4000 days do"));
    cr_assert_eq(make("--help"), 0);
    cr_assert(said("examples:"));
    cr_assert_eq(system("ls -A | grep -q '^\\.make'"), 256, "no rubbish stays");
}
