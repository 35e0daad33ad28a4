/* Key management of our provider: a public key of OpenSSL's default provider
 * that claims a private half. The public key answers all questions. An
 * operation that needs the private half fails, so that OpenSSL comes to our
 * signatures. Runs in gate and session. */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "remote.h"

#define PRIVATE OSSL_KEYMGMT_SELECT_PRIVATE_KEY
/* Our own parameter: a struct remote_key. */
#define PARAM_KEY "sallyport-key"

/* The tables below differ in their import function, one for each kind of
 * key. */
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

static int import_own(struct remote_key *k, const OSSL_PARAM *p)
{
    if (p->data_type != OSSL_PARAM_OCTET_STRING || p->data_size != sizeof(*k))
        return 0;
    memcpy(k, p->data, sizeof(*k));
    return EVP_PKEY_up_ref(k->public);
}

/* Imports a key of another provider, to compare with. */
static int import_public(struct remote_key *k, const char *kind,
                         const OSSL_PARAM params[])
{
    EVP_PKEY_CTX *ctx =
        EVP_PKEY_CTX_new_from_name(NULL, kind, "provider=default");
    int r = ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
            EVP_PKEY_fromdata(ctx, &k->public, EVP_PKEY_PUBLIC_KEY,
                              (OSSL_PARAM *)(uintptr_t)params) == 1;

    EVP_PKEY_CTX_free(ctx);
    return r;
}

static int import_key(struct remote_key *k, const char *kind,
                      const OSSL_PARAM params[])
{
    const OSSL_PARAM *own = OSSL_PARAM_locate_const(params, PARAM_KEY);

    return own ? import_own(k, own) : import_public(k, kind, params);
}

static int import_rsa(void *key, int selection, const OSSL_PARAM params[])
{
    (void)selection;
    return import_key(key, "RSA", params);
}

static int import_ec(void *key, int selection, const OSSL_PARAM params[])
{
    (void)selection;
    return import_key(key, "EC", params);
}

static int import_ed25519(void *key, int selection, const OSSL_PARAM params[])
{
    (void)selection;
    return import_key(key, "ED25519", params);
}

/* Exports the public half only; for the private half OpenSSL must come to
 * us. */
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

static const char *ec_operation(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

#define F(number, function)                                                    \
    {                                                                          \
        OSSL_FUNC_KEYMGMT_##number, (void (*)(void))(function)                 \
    }
#define ALL_KINDS                                                              \
    F(NEW, key_new), F(FREE, key_free), F(HAS, key_has), F(MATCH, key_match),  \
        F(GET_PARAMS, key_get_params), F(GETTABLE_PARAMS, key_gettable),       \
        F(EXPORT, key_export), F(EXPORT_TYPES, key_types),                     \
        F(IMPORT_TYPES, key_types)
#define END                                                                    \
    {                                                                          \
        0, NULL                                                                \
    }

const OSSL_DISPATCH remote_rsa_key[] = { ALL_KINDS, F(IMPORT, import_rsa),
                                         END };
const OSSL_DISPATCH remote_ec_key[] = { ALL_KINDS, F(IMPORT, import_ec),
                                        F(QUERY_OPERATION_NAME, ec_operation),
                                        END };
const OSSL_DISPATCH remote_ed25519_key[] = { ALL_KINDS,
                                             F(IMPORT, import_ed25519), END };

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
