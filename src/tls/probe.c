/* A signer is put to the proof: it signs what TLS 1.3 would have it sign, and
 * the certificate's key must verify it. Runs in gate, before a certificate is
 * used. */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "context_inside.h"
#include "scheme.h"

#define SPACES 64
#define HASH   32

/* RFC 8446 4.4.3, over a hash that no handshake has. */
static const char context[] = "TLS 1.3, server CertificateVerify";

static void make_message(char out[SPACES + sizeof(context) + HASH])
{
    memset(out, ' ', SPACES);
    memcpy(out + SPACES, context, sizeof(context));
    memset(out + SPACES + sizeof(context), 0, HASH);
}

static bool verify(EVP_PKEY *public, const struct scheme *s,
                   struct slice message, const struct sign_result *signature)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx = NULL; /* of MD */
    bool ok =
        md &&
        EVP_DigestVerifyInit_ex(md, &ctx, s->digest, NULL, NULL, public,
                                NULL) == 1 &&
        scheme_set_padding(s, ctx) &&
        EVP_DigestVerify(md, signature->bytes, signature->len,
                         (const unsigned char *)message.ptr, message.len) == 1;

    EVP_MD_CTX_free(md);
    ERR_clear_error();
    return ok;
}

int probe_key(EVP_PKEY *public, const struct signer *signer,
              const struct tls_pair *pair, struct complaint *c)
{
    char message[SPACES + sizeof(context) + HASH];
    const struct scheme *s = scheme_for(public);
    struct sign_request r = { .key = pair->number,
                              .message = { message, sizeof(message) } };
    struct sign_result signature;
    int error;

    if (!s)
        return complain(c, "%s: no signature scheme for its key",
                        pair->certificate);
    r.scheme = s->code;
    make_message(message);
    error = signer->sign(signer->owner, &r, &signature);
    if (error && error != -EINVAL)
        return complain(c, "%s: the process keys doesn't sign with it: %s",
                        pair->key, strerror(-error));
    if (error || !verify(public, s, r.message, &signature))
        return complain(c, "%s: not the key of the certificate in %s",
                        pair->key, pair->certificate);
    return 0;
}
