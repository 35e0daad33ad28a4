/* Verifies a client's proof that it has a private key. Runs in auth, which
 * doesn't trust the session: it verifies the client's signature over messages
 * that name this session and this server's certificate. So a signature from
 * another session or another server is no proof. */
#include "sallyport/proof/proof.h"
#include "sallyport/domain/limits.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "handshake.h"
#include "sallyport/base/buf.h"
#include "sallyport/base/fd.h"

#define MESSAGE_HASH 254 /* RFC 8446 4.4.1 */
#define SPACES       64

/* RFC 8446 4.4.3. The final NUL is a part of the context. */
static const char context[] = "TLS 1.3, client CertificateVerify";

/* The schemes of TLS 1.3 (RFC 8446 4.2.3). */
static const struct proof_scheme {
    uint16_t code;
    const char *key, *digest;
    bool pss;
} schemes[] = {
    { 0x0403, "EC", "SHA2-256", false },
    { 0x0503, "EC", "SHA2-384", false },
    { 0x0603, "EC", "SHA2-512", false },
    { 0x0804, "RSA", "SHA2-256", true },
    { 0x0805, "RSA", "SHA2-384", true },
    { 0x0806, "RSA", "SHA2-512", true },
    { 0x0807, "ED25519", NULL, false },
    { 0x0808, "ED448", NULL, false },
    { 0x0809, "RSA-PSS", "SHA2-256", true },
    { 0x080a, "RSA-PSS", "SHA2-384", true },
    { 0x080b, "RSA-PSS", "SHA2-512", true },
};

static bool hash_of(struct slice bytes, uint8_t out[PIN_BYTES])
{
    return EVP_Q_digest(NULL, "SHA2-256", NULL, bytes.ptr, bytes.len, out,
                        NULL) == 1;
}

/* Makes OpenSSL compare dates once: OpenSSL calls gmtime(3), which reads the
 * time zone's file at its first call. */
int proof_begin(void)
{
    ASN1_TIME *now = NULL;
    uint8_t hash[PIN_BYTES];
    bool ok = OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1 &&
              hash_of(SLICE(""), hash) && (now = X509_gmtime_adj(NULL, 0)) &&
              X509_cmp_current_time(now) != 0;

    ASN1_TIME_free(now);
    ERR_clear_error();
    return ok ? 0 : -ENOMEM;
}

/* Adds the first certificate of the file. Accepts each form that gate accepts,
 * such as a "TRUSTED CERTIFICATE", and hashes the bytes that a server sends. */
static int add_first(struct proof_servers *s, BIO *b)
{
    X509 *x = PEM_read_bio_X509_AUX(b, NULL, NULL, NULL);
    unsigned char *bytes = NULL;

    if (!x)
        return -EINVAL;
    int len = i2d_X509(x, &bytes);
    bool ok =
        len > 0 && hash_of((struct slice){ (const char *)bytes, (size_t)len },
                           s->hash[s->count]);

    s->count += ok;
    OPENSSL_free(bytes);
    X509_free(x);
    return ok ? 0 : -ENOMEM;
}

int proof_servers_add(struct proof_servers *s, int fd)
{
    struct buf text;
    BIO *b = NULL;
    int r;

    if (s->count == CERTIFICATES_MAX)
        return -ENOSPC;
    buf_init(&text, PEM_MAX);
    r = fd_read_file(fd, &text);
    if (r == 0)
        b = BIO_new_mem_buf(text.len > 0 ? text.data : "", (int)text.len);
    if (r == 0)
        r = b ? add_first(s, b) : -ENOMEM;
    BIO_free(b);
    buf_release(&text);
    ERR_clear_error();
    return r;
}

/* After a HelloRetryRequest, adds a hash in place of the first ClientHello (RFC
 * 8446 4.4.1). */
static bool add_retry(EVP_MD_CTX *md, struct slice hello, const char *digest)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    size_t len = 0;

    if (hello.len == 0)
        return true;
    if (EVP_Q_digest(NULL, digest, NULL, hello.ptr, hello.len, hash, &len) != 1)
        return false;
    const unsigned char head[] = { MESSAGE_HASH, 0, 0, (unsigned char)len };
    return EVP_DigestUpdate(md, head, sizeof(head)) == 1 &&
           EVP_DigestUpdate(md, hash, len) == 1;
}

/* Makes the message that the client signed. Returns its length, or 0. */
static size_t make_message(const struct handshake *h, unsigned char *out)
{
    const char *name = handshake_digest(h);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_MD *digest = name ? EVP_MD_fetch(NULL, name, NULL) : NULL;
    unsigned char *hash = out + SPACES + sizeof(context);
    unsigned len = 0;
    bool ok = md && digest && EVP_DigestInit_ex(md, digest, NULL) == 1 &&
              add_retry(md, h->retry, name) &&
              EVP_DigestUpdate(md, h->covered.ptr, h->covered.len) == 1 &&
              EVP_DigestFinal_ex(md, hash, &len) == 1;

    memset(out, ' ', SPACES);
    memcpy(out + SPACES, context, sizeof(context));
    EVP_MD_free(digest);
    EVP_MD_CTX_free(md);
    return ok ? SPACES + sizeof(context) + len : 0;
}

static bool verify_signature(EVP_PKEY *key, const struct handshake *h)
{
    unsigned char message[SPACES + sizeof(context) + EVP_MAX_MD_SIZE];
    size_t len = make_message(h, message);
    EVP_PKEY_CTX *ctx = NULL; /* owned by MD */
    const struct proof_scheme *s = NULL;
    struct slice signature;
    uint16_t code;

    if (len == 0 || handshake_signature(h, &code, &signature) < 0)
        return false;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (schemes[i].code == code)
            s = &schemes[i];
    if (!s || !EVP_PKEY_is_a(key, s->key))
        return false;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md &&
              EVP_DigestVerifyInit_ex(md, &ctx, s->digest, NULL, NULL, key,
                                      NULL) == 1 &&
              (!s->pss ||
               (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) ==
                    1)) &&
              EVP_DigestVerify(md, (const unsigned char *)signature.ptr,
                               signature.len, message, len) == 1;
    EVP_MD_CTX_free(md);
    return ok;
}

static bool is_one_of(struct slice certificate, const uint8_t (*all)[PIN_BYTES],
                      size_t n)
{
    uint8_t hash[PIN_BYTES];

    if (!hash_of(certificate, hash))
        return false;
    for (size_t i = 0; i < n; i++)
        if (memcmp(all[i], hash, PIN_BYTES) == 0)
            return true;
    return false;
}

bool proof_holds(const struct proof_servers *servers, struct slice messages,
                 uint64_t serial, const struct proof_pins *pins)
{
    struct handshake h;
    struct slice server, client;

    if (handshake_cut(&h, messages) < 0 || !handshake_names(&h, serial) ||
        handshake_certificate(&h, PART_CERTIFICATE, &server) < 0 ||
        handshake_certificate(&h, PART_CLIENT_CERTIFICATE, &client) < 0)
        return false;
    if (!is_one_of(server, (const uint8_t(*)[PIN_BYTES])servers->hash,
                   servers->count) ||
        !is_one_of(client, pins->hash, pins->count))
        return false;
    /* Parses the certificate, which is safe: its hash is a pin, so the
     * administrator chose these bytes. */
    const unsigned char *at = (const unsigned char *)client.ptr;
    X509 *x = d2i_X509(NULL, &at, (long)client.len);
    EVP_PKEY *key = x ? X509_get0_pubkey(x) : NULL;
    bool ok = key && X509_cmp_current_time(X509_get0_notBefore(x)) < 0 &&
              X509_cmp_current_time(X509_get0_notAfter(x)) > 0 &&
              verify_signature(key, &h);

    X509_free(x);
    ERR_clear_error();
    return ok;
}
