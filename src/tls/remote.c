/* The provider: what it offers, and how it is loaded. OpenSSL's default
 * provider still serves everything else; ours is used only if its name is
 * given. Runs in gate and session. */
#include "remote.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <stdbool.h>

#define PROPERTIES "provider=" REMOTE_PROVIDER

/* OpenSSL recognises the kind of a key by these names, so they are those of the
 * default provider. */
#define NAMES_RSA     "RSA:rsaEncryption:1.2.840.113549.1.1.1"
#define NAMES_EC      "EC:id-ecPublicKey:1.2.840.10045.2.1"
#define NAMES_ED25519 "ED25519:1.3.101.112"

static const OSSL_ALGORITHM keys[] = {
    { NAMES_RSA, PROPERTIES, remote_rsa_key, NULL },
    { NAMES_EC, PROPERTIES, remote_ec_key, NULL },
    { NAMES_ED25519, PROPERTIES, remote_ed25519_key, NULL },
    { NULL, NULL, NULL, NULL },
};
static const OSSL_ALGORITHM signatures[] = {
    { NAMES_RSA, PROPERTIES, remote_signature, NULL },
    { "ECDSA", PROPERTIES, remote_signature, NULL },
    { NAMES_ED25519, PROPERTIES, remote_signature, NULL },
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
    *ret =
        (void *)(uintptr_t)provider; /* no state; but NULL would mean failure */
    return 1;
}

/* Once in a process, since OpenSSL's list of providers is global too. Without
 * an explicit name OpenSSL then uses the default provider. */
static bool register_provider(void)
{
    static bool announced;

    if (!announced)
        announced =
            OSSL_PROVIDER_add_builtin(NULL, REMOTE_PROVIDER, provider_init) ==
                1 &&
            EVP_set_default_properties(NULL, "?provider!=" REMOTE_PROVIDER) ==
                1;
    return announced;
}

OSSL_PROVIDER *remote_load(void)
{
    return register_provider()
               ? OSSL_PROVIDER_try_load(NULL, REMOTE_PROVIDER, 1)
               : NULL;
}
