/* Private keys, and signatures with them. Runs in keys only; no other process
 * has a key. It must never ask for a passphrase: nobody is there to type one.
 * It signs only the two kinds of message that a TLS server signs, so that an
 * attacker can use the key for nothing else. */
#include "sallyport/tls/sign.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "key.h"

#define RANDOMS     64
#define NAMED_CURVE 3
#define HEAD_12     (RANDOMS + 4) /* type, curve, length of the point */

/* OpenSSL calls this for a passphrase. Notes the question, and gives no
 * passphrase. */
static int no_passphrase(char *into, int size, int writing, void *asked)
{
    (void)into;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

EVP_PKEY *sign_key_new(int fd, const char *name, struct complaint *c)
{
    struct buf text;
    bool asked = false;
    EVP_PKEY *k = NULL;

    ERR_clear_error();
    buf_init(&text, PEM_MAX);
    BIO *b = pem_open(fd, name, &text, c);
    if (b)
        k = PEM_read_bio_PrivateKey(b, NULL, no_passphrase, &asked);
    if (asked && !k)
        complain(c,
                 "%s: the key is protected by a passphrase, which nobody can "
                 "type into a server (openssl pkey -in OLD -out NEW takes it "
                 "off)",
                 name);
    else if (b && !k)
        complain(c, "%s: holds no private key in PEM form", name);
    ERR_clear_error();
    BIO_free(b);
    buf_release(&text); /* buf_release() wipes the text */
    if (k && key_check(k, name, c) == 0)
        return k;
    EVP_PKEY_free(k);
    return NULL;
}

void sign_key_free(EVP_PKEY *k)
{
    EVP_PKEY_free(k);
}

/* Returns true if M is a message of TLS 1.3 (RFC 8446 4.4.3). The NUL between
 * the context string and the hash is a part of HEAD. */
static bool is_13_message(struct slice m)
{
    static const char head[] =
        "                                                                "
        "TLS 1.3, server CertificateVerify";

    return m.len >= sizeof(head) && memcmp(m.ptr, head, sizeof(head)) == 0 &&
           (m.len == sizeof(head) + 32 || m.len == sizeof(head) + 48);
}

/* The curves of RFC 8422 5.1.1 that OpenSSL offers by default, and the number
 * of bytes of a point. If a curve's points have several forms, this is the
 * uncompressed form. */
static const struct {
    unsigned curve, length;
} points[] = {
    { 23, 65 },  /* secp256r1 */
    { 24, 97 },  /* secp384r1 */
    { 25, 133 }, /* secp521r1 */
    { 29, 32 },  /* x25519 */
    { 30, 56 },  /* x448 */
};

/* Returns true if M is a message of TLS 1.2 (RFC 8422 5.4): both randoms, then
 * ServerECDHParams, and nothing else. */
static bool is_12_message(struct slice m)
{
    const unsigned char *p = (const unsigned char *)m.ptr;

    if (m.len <= HEAD_12 || p[RANDOMS] != NAMED_CURVE)
        return false;
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
        if (points[i].curve == p[RANDOMS + 1] * 256u + p[RANDOMS + 2])
            return p[HEAD_12 - 1] == points[i].length &&
                   m.len == HEAD_12 + points[i].length;
    return false;
}

bool sign_is_handshake(const struct sign_request *r)
{
    const struct scheme *s = scheme_find(r->scheme);

    if (!s || r->message.len > SIGN_MESSAGE_MAX)
        return false;
    return is_12_message(r->message) || (s->in_13 && is_13_message(r->message));
}

static bool sign_message(EVP_MD_CTX *md, EVP_PKEY *key, const struct scheme *s,
                         struct slice message, struct sign_result *ret)
{
    EVP_PKEY_CTX *ctx = NULL; /* owned by MD */

    ret->len = sizeof(ret->bytes);
    return EVP_DigestSignInit_ex(md, &ctx, s->digest, NULL, NULL, key, NULL) ==
               1 &&
           (s->padding == 0 ||
            (EVP_PKEY_CTX_set_rsa_padding(ctx, s->padding) == 1 &&
             (s->padding != RSA_PKCS1_PSS_PADDING ||
              EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) ==
                  1))) &&
           EVP_DigestSign(md, ret->bytes, &ret->len,
                          (const unsigned char *)message.ptr, message.len) == 1;
}

int sign_make(EVP_PKEY *k, const struct sign_request *r,
              struct sign_result *ret)
{
    const struct scheme *s = scheme_find(r->scheme);

    ret->len = 0;
    if (!sign_is_handshake(r))
        return -EPERM;
    if (!EVP_PKEY_is_a(k, s->key))
        return -EINVAL;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool made = md && sign_message(md, k, s, r->message, ret);
    EVP_MD_CTX_free(md);
    ERR_clear_error();
    if (!made)
        ret->len = 0;
    return made ? 0 : -EIO;
}
