/* A signer proves that it has a key: it signs a message like one of TLS 1.3,
 * and the certificate's key must verify the signature. Runs in gate, before a
 * certificate is used. */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "context_inside.h"
#include "scheme.h"

#define SPACES 64
#define HASH   32

/* RFC 8446 4.4.3, with a hash that no handshake has. */
static const char context[] = "TLS 1.3, server CertificateVerify";
#define PROBE_BYTES (SPACES + sizeof(context) + HASH)

static struct slice make_message(char out[PROBE_BYTES])
{
    memset(out, ' ', SPACES);
    memcpy(out + SPACES, context, sizeof(context));
    memset(out + SPACES + sizeof(context), 0, HASH);
    return (struct slice){ out, PROBE_BYTES };
}

static bool verify_signature(EVP_PKEY *public, const struct scheme *s,
                             struct slice message,
                             const struct sign_result *signature)
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

/* identity_load() has checked that the key has a scheme. */
static int probe_key(const struct signer *signer, const struct identity *id,
                     struct complaint *c)
{
    EVP_PKEY *public = X509_get0_pubkey(id->leaf);
    const struct scheme *s = scheme_for(public);
    char message[PROBE_BYTES];
    const struct sign_request request = { .key = id->number,
                                          .scheme = s->code,
                                          .message = make_message(message) };
    struct sign_result signature;
    int error = signer->sign(signer->owner, &request, &signature);

    if (error && error != -EINVAL)
        return complain(c, "%s: the process keys doesn't sign with it: %s",
                        id->key_name, strerror(-error));
    if (error || !verify_signature(public, s, request.message, &signature))
        return complain(c, "%s: not the key of the certificate in %s",
                        id->key_name, id->name);
    return 0;
}

int probe_keys(const struct tls_context *t, struct complaint *c)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < t->count; i++)
        r = probe_key(&t->signer, &t->identity[i], c);
    return r;
}
