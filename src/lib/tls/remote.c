/* Stand-ins for private keys of another process: a provider for OpenSSL inside
 * this program. A stand-in contains a public key of OpenSSL's default provider,
 * and claims to have a private half. The public key answers all questions. To
 * sign, OpenSSL can't export the private half, so it calls our signature
 * functions, which give the whole message to the signer. OpenSSL's default
 * provider still serves everything else; OpenSSL uses our provider only where
 * its name is given. Runs in gate and session. */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls.h"

#define REMOTE_PROVIDER "sallyport"
#define PRIVATE         OSSL_KEYMGMT_SELECT_PRIVATE_KEY
/* Our own parameter, with a struct remote_key. */
#define PARAM_KEY "sallyport-key"

/* Our provider's form of a key. */
struct remote_key {
    EVP_PKEY *public;            /* a key of OpenSSL's default provider */
    const struct signer *signer; /* NULL: only a public key, for a comparison */
    uint64_t number;
};

static void *key_new(void *provider)
{
    (void)provider;
    return calloc(1, sizeof(struct remote_key));
}

static void key_free(void *key)
{
    struct remote_key *k = key;

    if (!k)
        return;
    EVP_PKEY_free(k->public);
    free(k);
}

static int key_has(const void *key, int selection)
{
    const struct remote_key *k = key;

    return k && k->public && (!(selection & PRIVATE) || k->signer);
}

static int key_match(const void *a, const void *b, int selection)
{
    const struct remote_key *one = a, *other = b;

    (void)selection; /* the private half is never compared */
    return EVP_PKEY_eq(one->public, other->public) == 1;
}

static int key_get_params(void *key, OSSL_PARAM params[])
{
    const struct remote_key *k = key;

    return EVP_PKEY_get_params(k->public, params);
}

static const OSSL_PARAM *key_gettable(void *provider)
{
    static const OSSL_PARAM gettable[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)provider;
    return gettable;
}

static int key_import(void *key, int selection, const OSSL_PARAM params[])
{
    struct remote_key *k = key;
    const OSSL_PARAM *own = OSSL_PARAM_locate_const(params, PARAM_KEY);

    (void)selection;
    if (!own) {
        /* Import a key of another provider, for a comparison. */
        const char *kind =
            OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_RSA_N) ? "RSA"
            : OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_GROUP_NAME)
                ? "EC"
                : "ED25519";
        EVP_PKEY_CTX *ctx =
            EVP_PKEY_CTX_new_from_name(NULL, kind, "provider=default");
        int r = ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
                EVP_PKEY_fromdata(ctx, &k->public, EVP_PKEY_PUBLIC_KEY,
                                  (OSSL_PARAM *)(uintptr_t)params) == 1;

        EVP_PKEY_CTX_free(ctx);
        return r;
    }
    if (own->data_type != OSSL_PARAM_OCTET_STRING ||
        own->data_size != sizeof(*k))
        return 0;
    memcpy(k, own->data, sizeof(*k));
    return EVP_PKEY_up_ref(k->public);
}

/* Exports the public half only: for the private half OpenSSL must call us. */
static int key_export(void *key, int selection, OSSL_CALLBACK *take,
                      void *owner)
{
    const struct remote_key *k = key;
    OSSL_PARAM *params = NULL;

    if (selection & PRIVATE ||
        EVP_PKEY_todata(k->public, EVP_PKEY_PUBLIC_KEY, &params) != 1)
        return 0;
    int r = take(params, owner);
    OSSL_PARAM_free(params);
    return r;
}

static const OSSL_PARAM *key_types(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_octet_string(PARAM_KEY, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)selection;
    return types;
}

#define KEY(number, function)                                                  \
    { OSSL_FUNC_KEYMGMT_##number, (void (*)(void))(function) }
#define END { 0, NULL }

static const OSSL_DISPATCH key_calls[] = {
    KEY(NEW, key_new),
    KEY(FREE, key_free),
    KEY(HAS, key_has),
    KEY(MATCH, key_match),
    KEY(GET_PARAMS, key_get_params),
    KEY(GETTABLE_PARAMS, key_gettable),
    KEY(EXPORT, key_export),
    KEY(EXPORT_TYPES, key_types),
    KEY(IMPORT, key_import),
    KEY(IMPORT_TYPES, key_types),
    END,
};

EVP_PKEY *remote_key_new(EVP_PKEY *public, const struct signer *signer,
                         uint64_t number)
{
    struct remote_key blob = { public, signer, number };
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(PARAM_KEY, &blob, sizeof(blob)),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(
        NULL, EVP_PKEY_get0_type_name(public), "provider=" REMOTE_PROVIDER);
    EVP_PKEY *key = NULL;

    if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

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

/* Accepts only a salt as long as the digest, as TLS always uses. */
static int signature_set(void *signature, const OSSL_PARAM params[])
{
    struct signature *s = signature;
    const OSSL_PARAM *padding =
        OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
    const OSSL_PARAM *salt =
        OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
    const char *name;
    int length;

    if (padding && padding->data_type == OSSL_PARAM_INTEGER) {
        if (!OSSL_PARAM_get_int(padding, &s->padding))
            return 0;
    } else if (padding) {
        if (!OSSL_PARAM_get_utf8_string_ptr(padding, &name))
            return 0;
        s->padding = strcmp(name, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0
                         ? RSA_PKCS1_PSS_PADDING
                         : RSA_PKCS1_PADDING;
    }
    if (salt && salt->data_type == OSSL_PARAM_INTEGER)
        return OSSL_PARAM_get_int(salt, &length) &&
               length == RSA_PSS_SALTLEN_DIGEST;
    return !salt || (OSSL_PARAM_get_utf8_string_ptr(salt, &name) &&
                     strcmp(name, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0);
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

/* OpenSSL calls this first without OUT, to learn the size. */
static int signature_make(void *signature, unsigned char *out, size_t *len,
                          size_t size, const unsigned char *message,
                          size_t message_len)
{
    struct signature *s = signature;
    const struct scheme *scheme;
    const struct signer *signer;
    struct sign_request r;
    struct sign_result result;
    EVP_PKEY *public;

    if (!s->key)
        return 0;
    public = s->key->public;
    scheme = scheme_of(EVP_PKEY_get0_type_name(public), s->digest,
                       EVP_PKEY_is_a(public, "RSA") ? s->padding : 0);
    if (!scheme)
        return 0;
    if (!out) {
        *len = (size_t)EVP_PKEY_get_size(public);
        return 1;
    }
    signer = s->key->signer;
    r = (struct sign_request){ s->key->number,
                               scheme->code,
                               { (const char *)message, message_len } };
    if (signer->sign(signer->owner, &r, &result) != 0 || result.len > size)
        return 0;
    memcpy(out, result.bytes, result.len);
    *len = result.len;
    return 1;
}

#define SIGNATURE(number, function)                                            \
    { OSSL_FUNC_SIGNATURE_##number, (void (*)(void))(function) }

static const OSSL_DISPATCH signature[] = {
    SIGNATURE(NEWCTX, signature_new),
    SIGNATURE(FREECTX, free),
    SIGNATURE(DIGEST_SIGN_INIT, signature_init),
    SIGNATURE(DIGEST_SIGN, signature_make),
    SIGNATURE(SET_CTX_PARAMS, signature_set),
    SIGNATURE(SETTABLE_CTX_PARAMS, signature_settable),
    END,
};

#define PROPERTIES "provider=" REMOTE_PROVIDER

/* OpenSSL recognises the kind of a key by these names of the default
 * provider. */
#define NAMES_RSA     "RSA:rsaEncryption:1.2.840.113549.1.1.1"
#define NAMES_EC      "EC:id-ecPublicKey:1.2.840.10045.2.1"
#define NAMES_ED25519 "ED25519:1.3.101.112"

static const OSSL_ALGORITHM keys[] = {
    { NAMES_RSA, PROPERTIES, key_calls, NULL },
    { NAMES_EC, PROPERTIES, key_calls, NULL },
    { NAMES_ED25519, PROPERTIES, key_calls, NULL },
    { NULL, NULL, NULL, NULL },
};
static const OSSL_ALGORITHM signatures[] = {
    { NAMES_RSA, PROPERTIES, signature, NULL },
    { NAMES_EC, PROPERTIES, signature, NULL },
    { NAMES_ED25519, PROPERTIES, signature, NULL },
    { NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM *provider_query(void *provider, int operation,
                                            int *no_cache)
{
    (void)provider;
    *no_cache = 0;
    if (operation == OSSL_OP_KEYMGMT)
        return keys;
    return operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static const OSSL_DISPATCH provider[] = {
    { OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))provider_query },
    { 0, NULL },
};

static int provider_init(const OSSL_CORE_HANDLE *handle,
                         const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
                         void **ret)
{
    (void)handle;
    (void)in;
    *out = provider;
    *ret = (void *)(uintptr_t)provider; /* any pointer will do, since there is
                                           no state; NULL would mean failure */
    return 1;
}

/* Registers the provider once in a process, since OpenSSL's list of providers
 * is global, too. Then makes OpenSSL prefer the default provider where no
 * provider is named. */
OSSL_PROVIDER *remote_load(void)
{
    static bool announced;

    if (!announced)
        announced =
            OSSL_PROVIDER_add_builtin(NULL, REMOTE_PROVIDER, provider_init) ==
                1 &&
            EVP_set_default_properties(NULL, "?provider!=" REMOTE_PROVIDER) ==
                1;
    return announced ? OSSL_PROVIDER_try_load(NULL, REMOTE_PROVIDER, 1) : NULL;
}
