/* A signer proves that it has a key: it signs a message like one of TLS 1.3,
 * and the certificate's key must verify the signature. Runs in gate, before a
 * certificate is used. It asks no signer itself, so that a caller that must not
 * wait can ask. */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "context_inside.h"
#include "scheme.h"

#define SPACES 64
#define HASH   32

/* RFC 8446 4.4.3, with a hash that no handshake has. */
static const char context[] = "TLS 1.3, server CertificateVerify";

_Static_assert(TLS_PROOF_BYTES >= SPACES + sizeof(context) + HASH,
               "a proof has room for its message");

static struct slice make_message(char out[TLS_PROOF_BYTES])
{
    memset(out, ' ', SPACES);
    memcpy(out + SPACES, context, sizeof(context));
    memset(out + SPACES + sizeof(context), 0, HASH);
    return (struct slice){ out, SPACES + sizeof(context) + HASH };
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
bool tls_context_proof(const struct tls_context *t, size_t i,
                       struct tls_proof *ret)
{
    const struct identity *id;

    if (i >= t->count)
        return false;
    id = &t->identity[i];
    ret->request =
        (struct sign_request){ .key = id->number,
                               .scheme =
                                   scheme_for(X509_get0_pubkey(id->leaf))->code,
                               .message = make_message(ret->message) };
    return true;
}

int tls_context_proven(const struct tls_context *t, size_t i, int error,
                       const struct sign_result *signature, struct complaint *c)
{
    const struct identity *id = &t->identity[i];
    EVP_PKEY *public = X509_get0_pubkey(id->leaf);
    char message[TLS_PROOF_BYTES];

    if (error && error != -EINVAL)
        return complain(c, "%s: the process keys doesn't sign with it: %s",
                        id->key_name, strerror(-error));
    if (error || !verify_signature(public, scheme_for(public),
                                   make_message(message), signature))
        return complain(c, "%s: not the key of the certificate in %s",
                        id->key_name, id->name);
    return 0;
}
