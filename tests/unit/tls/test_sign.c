/* Tests which signatures a private key makes and refuses, and handshakes in
 * which a signer has the key. */
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>

#include "fixture.h"
#include "sallyport/tls/sign.h"
#include "support/long.h"
#include "tls/key.h"

#define SPACES                                                                 \
    "                                                                "
#define RANDOMS                                                                \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SERVER "TLS 1.3, server CertificateVerify"
#define CLIENT "TLS 1.3, client CertificateVerify"
#define HASH   "0123456789abcdef0123456789abcdef"
#define HASH_L HASH "0123456789abcdef"
#define POINT  "\x20" HASH

enum { EC = 0x0403, PSS = 0x0804, PKCS1 = 0x0401, ED = 0x0807 };

static const struct {
    uint16_t scheme;
    struct slice message;
    bool yes;
} shapes[] = {
    { EC, SLICE(SPACES SERVER "\0" HASH), true },
    { EC, SLICE(SPACES SERVER "\0" HASH_L), true },
    { ED, SLICE(SPACES SERVER "\0" HASH), true },
    { PSS, SLICE(SPACES SERVER "\0" HASH), true },
    { PKCS1, SLICE(SPACES SERVER "\0" HASH), false }, /* not in TLS 1.3 */
    { EC, SLICE(SPACES SERVER "\0"), false },
    { EC, SLICE(SPACES SERVER "\0" HASH "x"), false },
    { EC, SLICE(SPACES SERVER "\0" HASH_L "x"), false },
    { EC, SLICE(SPACES SERVER "x" HASH), false },
    { EC, SLICE(SPACES CLIENT "\0" HASH), false },
    { EC, SLICE(SPACES " " SERVER "\0" HASH), false },
    { EC, SLICE(SERVER "\0" HASH), false },
    { EC, SLICE(RANDOMS "\x03\x00\x1d" POINT), true },
    { PKCS1, SLICE(RANDOMS "\x03\x00\x1d" POINT), true },
    { ED, SLICE(RANDOMS "\x03\x00\x1d" POINT), true },
    { EC, SLICE(RANDOMS "\x03\x00\x1d" POINT "x"), false },
    { EC, SLICE(RANDOMS "\x03\x00\x1d\x21" HASH), false },
    { EC, SLICE(RANDOMS "\x01\x00\x1d" POINT), false }, /* explicit prime */
    { EC, SLICE(RANDOMS "\x03\x00\x1d"), false },
    { EC, SLICE(RANDOMS "\x03\x00\x1d\x00"), false },   /* no point */
    { EC, SLICE(RANDOMS "\x03\x00\x17" POINT), false }, /* too short */
    { EC, SLICE(RANDOMS "\x03\x00\x16" POINT), false }, /* secp256k1 */
    { EC, SLICE(RANDOMS "\x03\x01\x1d" POINT), false },
    { EC, SLICE(RANDOMS), false },
    { EC, SLICE("a certificate or a mail"), false },
    { EC, SLICE(""), false },
    { 0, SLICE(SPACES SERVER "\0" HASH), false },
    { 0x0203, SLICE(SPACES SERVER "\0" HASH), false }, /* SHA-1 */
    { 0x0809, SLICE(SPACES SERVER "\0" HASH), false }, /* rsa_pss_pss */
};

Test(sign, two_shapes_and_no_third)
{
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        const struct sign_request r = { 0, shapes[i].scheme,
                                        shapes[i].message };

        cr_expect_eq(sign_is_handshake(&r), shapes[i].yes, "row %zu", i);
    }
}

Test(sign, no_longer_message)
{
    char message[SIGN_MESSAGE_MAX + 1] = RANDOMS "\x03\x00\x19\x85";
    struct sign_request r = { 0, EC, { message, 68 + 133 } };

    cr_expect(sign_is_handshake(&r)); /* secp521r1 has the longest point */
    message[67]++;
    r.message.len++;
    cr_expect_not(sign_is_handshake(&r));
    r.message.len = SIGN_MESSAGE_MAX + 1;
    cr_expect_not(sign_is_handshake(&r));
}

static struct evp_pkey_st *key_of(enum key_kind kind)
{
    struct complaint complaint = { "" };
    struct credentials c;

    credentials_make(&c, &(struct credentials_spec){ .kind = kind });
    struct evp_pkey_st *k = sign_key_new(c.key_fd, "key.pem", &complaint);
    cr_assert_not_null(k, "%s", complaint.text);
    credentials_close(&c);
    return k;
}

/* A scheme of another kind of key, and a message of another form, get no
 * signature. */
Test(sign, what_is_refused)
{
    struct evp_pkey_st *k = key_of(KEY_EC);
    struct sign_request r = { 0, EC, SLICE(SPACES SERVER "\0" HASH) };
    struct sign_result result;

    cr_expect_eq(sign_make(k, &r, &result), 0);
    cr_expect(result.len > 60 && result.len < 73, "%zu", result.len);
    r.scheme = PSS;
    cr_expect_eq(sign_make(k, &r, &result), -EINVAL);
    cr_expect_eq(result.len, 0);
    r.scheme = EC;
    r.message = SLICE("pay to the bearer");
    cr_expect_eq(sign_make(k, &r, &result), -EPERM);
    cr_expect_eq(result.len, 0);
    sign_key_free(k);
    sign_key_free(NULL);
}

Test(sign, names_of_schemes)
{
    cr_expect_eq(scheme_of("EC", "SHA256", 0)->code, EC);
    cr_expect_eq(scheme_of("id-ecPublicKey", "SHA256", 0), NULL);
    cr_expect_eq(scheme_of("RSA", "SHA2-256", RSA_PKCS1_PSS_PADDING)->code,
                 PSS);
    cr_expect_eq(scheme_of("RSA", "sha256", RSA_PKCS1_PADDING)->code, PKCS1);
    cr_expect_eq(scheme_of("ED25519", "", 0)->code, ED);
    cr_expect_null(scheme_of("EC", "SHA1", 0));
    cr_expect_null(scheme_of("EC", "", 0));
    cr_expect_null(scheme_of("ED25519", "SHA256", 0));
}

static const struct {
    enum key_kind kind;
    int version;
    const char *schemes;
} handshakes[] = {
    { KEY_EC, TLS1_2_VERSION, NULL },
    { KEY_EC, TLS1_3_VERSION, NULL },
    { KEY_EC_384, TLS1_2_VERSION, NULL },
    { KEY_EC_384, TLS1_3_VERSION, NULL },
    { KEY_EC_521, TLS1_2_VERSION, NULL },
    { KEY_EC_521, TLS1_3_VERSION, NULL },
    { KEY_RSA, TLS1_2_VERSION, "RSA+SHA256" },
    { KEY_RSA, TLS1_2_VERSION, "RSA+SHA384" },
    { KEY_RSA, TLS1_2_VERSION, "RSA+SHA512" },
    { KEY_RSA, TLS1_2_VERSION, "rsa_pss_rsae_sha256" },
    { KEY_RSA, TLS1_3_VERSION, "rsa_pss_rsae_sha256:RSA+SHA256" },
    { KEY_RSA, TLS1_3_VERSION, "rsa_pss_rsae_sha384:RSA+SHA256" },
    { KEY_RSA, TLS1_3_VERSION, "rsa_pss_rsae_sha512:RSA+SHA256" },
    { KEY_ED25519, TLS1_2_VERSION, NULL },
    { KEY_ED25519, TLS1_3_VERSION, NULL },
};

/* The client verifies the signature, so a wrong one would end the handshake. */
Test(sign, handshakes_of_every_kind, WITH_SANITIZERS)
{
    for (size_t i = 0; i < sizeof(handshakes) / sizeof(handshakes[0]); i++) {
        struct peer p = { .options = { .version = handshakes[i].version,
                                       .schemes = handshakes[i].schemes } };
        struct tls_context *t = context_make_of(handshakes[i].kind);

        peer_meet(&p, t);
        cr_expect(p.shaken, "row %zu: %s", i, p.error);
        tls_context_free(t);
    }
}

static int refuse(void *owner, const struct sign_request *r,
                  struct sign_result *ret)
{
    (void)r;
    ret->len = 0;
    ++*(int *)owner;
    return -ETIMEDOUT;
}

/* If the process keys doesn't sign, the handshake fails. */
LineTest(sign, nobody_signs, line_open(l, CONTROL, 0))
{
    int asked = 0;
    const struct signer nobody = { refuse, &asked };
    struct peer p = { 0 };

    l->context = context_make();
    tls_context_signer(l->context, &nobody);
    cr_assert_eq(stream_secure(l->s, l->context, STREAM_CONTROL), 0);
    peer_start(&p, l);
    cr_expect_eq(line_handshake(l), STREAM_FAILED);
    peer_join(&p);
    cr_expect_not(p.shaken);
    cr_expect_eq(asked, 1);
}

/* The provider of this code serves only its own keys. OpenSSL's default
 * provider still serves all other keys. */
Test(sign, the_default_provider_stays_the_default)
{
    struct tls_context *t = context_make();
    EVP_KEYMGMT *m = EVP_KEYMGMT_fetch(NULL, "EC", NULL);
    EVP_SIGNATURE *s = EVP_SIGNATURE_fetch(NULL, "ECDSA", NULL);
    EVP_PKEY *key = EVP_EC_gen("P-256");

    cr_expect_str_eq(OSSL_PROVIDER_get0_name(EVP_KEYMGMT_get0_provider(m)),
                     "default");
    cr_expect_str_eq(OSSL_PROVIDER_get0_name(EVP_SIGNATURE_get0_provider(s)),
                     "default");
    cr_expect_not_null(key);
    EVP_PKEY_free(key);
    EVP_SIGNATURE_free(s);
    EVP_KEYMGMT_free(m);
    tls_context_free(t);
}
