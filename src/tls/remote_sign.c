/* Signatures of our provider: it collects what TLS wants into one request, and
 * gives that with the whole message to the signer. It has no private key. Runs
 * in gate and session. */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote.h"
#include "scheme.h"

#define DIGEST_MAX 32

struct signature {
    const struct remote_key *key;
    char digest[DIGEST_MAX];
    int padding; /* RSA_PKCS1_PADDING or RSA_PKCS1_PSS_PADDING */
};

static void *signature_new(void *provider, const char *properties)
{
    (void)provider;
    (void)properties;
    return calloc(1, sizeof(struct signature));
}

static void signature_free(void *signature)
{
    free(signature);
}

static int take_padding(struct signature *s, const OSSL_PARAM *p)
{
    const char *name;

    if (p->data_type == OSSL_PARAM_INTEGER)
        return OSSL_PARAM_get_int(p, &s->padding);
    if (!OSSL_PARAM_get_utf8_string_ptr(p, &name))
        return 0;
    s->padding = strcmp(name, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0
                     ? RSA_PKCS1_PSS_PADDING
                     : RSA_PKCS1_PADDING;
    return 1;
}

/* TLS always uses a salt as long as the digest. */
static int check_salt(const OSSL_PARAM *p)
{
    const char *name;
    int length;

    if (p->data_type == OSSL_PARAM_INTEGER)
        return OSSL_PARAM_get_int(p, &length) &&
               length == RSA_PSS_SALTLEN_DIGEST;
    return OSSL_PARAM_get_utf8_string_ptr(p, &name) &&
           strcmp(name, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0;
}

static int signature_set(void *signature, const OSSL_PARAM params[])
{
    struct signature *s = signature;
    const OSSL_PARAM *padding =
        OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
    const OSSL_PARAM *salt =
        OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);

    return (!padding || take_padding(s, padding)) &&
           (!salt || check_salt(salt));
}

static const OSSL_PARAM *signature_settable(void *signature, void *provider)
{
    static const OSSL_PARAM settable[] = {
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)signature;
    (void)provider;
    return settable;
}

static int signature_init(void *signature, const char *digest, void *key,
                          const OSSL_PARAM params[])
{
    struct signature *s = signature;

    if (digest && strlen(digest) >= sizeof(s->digest))
        return 0;
    s->key = key;
    s->padding = RSA_PKCS1_PADDING;
    snprintf(s->digest, sizeof(s->digest), "%s", digest ? digest : "");
    return s->key && s->key->signer && (!params || signature_set(s, params));
}

static const struct scheme *scheme_asked(const struct signature *s)
{
    const char *kind = EVP_PKEY_get0_type_name(s->key->public);
    enum scheme_padding padding = PADDING_NONE;

    if (EVP_PKEY_is_a(s->key->public, "RSA"))
        padding =
            s->padding == RSA_PKCS1_PSS_PADDING ? PADDING_PSS : PADDING_PKCS1;
    return scheme_of(kind, s->digest, padding);
}

static int ask_signer(const struct signature *s, const struct scheme *scheme,
                      struct slice message, struct sign_result *ret)
{
    const struct signer *signer = s->key->signer;
    const struct sign_request r = { s->key->number, scheme->code, message };

    return signer->sign(signer->owner, &r, ret);
}

/* OpenSSL first calls it without OUT, to learn the size. */
static int signature_make(void *signature, unsigned char *out, size_t *len,
                          size_t size, const unsigned char *message,
                          size_t message_len)
{
    struct signature *s = signature;
    const struct scheme *scheme = s->key ? scheme_asked(s) : NULL;
    struct slice m = { (const char *)message, message_len };
    struct sign_result result;

    if (!scheme)
        return 0;
    if (!out) {
        *len = (size_t)EVP_PKEY_get_size(s->key->public);
        return 1;
    }
    if (ask_signer(s, scheme, m, &result) != 0 || result.len > size)
        return 0;
    memcpy(out, result.bytes, result.len);
    *len = result.len;
    return 1;
}

#define F(number, function)                                                    \
    {                                                                          \
        OSSL_FUNC_SIGNATURE_##number, (void (*)(void))(function)               \
    }

const OSSL_DISPATCH remote_signature[] = {
    F(NEWCTX, signature_new),
    F(FREECTX, signature_free),
    F(DIGEST_SIGN_INIT, signature_init),
    F(DIGEST_SIGN, signature_make),
    F(SET_CTX_PARAMS, signature_set),
    F(SETTABLE_CTX_PARAMS, signature_settable),
    { 0, NULL },
};
