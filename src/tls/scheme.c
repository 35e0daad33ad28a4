/* The table of signature schemes. Data only; nothing here signs. */
#include "scheme.h"

#include <openssl/rsa.h>
#include <stddef.h>
#include <strings.h>

static const struct scheme schemes[] = {
    { 0x0403, "EC", "SHA2-256", PADDING_NONE, true },
    { 0x0503, "EC", "SHA2-384", PADDING_NONE, true },
    { 0x0603, "EC", "SHA2-512", PADDING_NONE, true },
    { 0x0804, "RSA", "SHA2-256", PADDING_PSS, true },
    { 0x0805, "RSA", "SHA2-384", PADDING_PSS, true },
    { 0x0806, "RSA", "SHA2-512", PADDING_PSS, true },
    { 0x0807, "ED25519", NULL, PADDING_NONE, true },
    { 0x0401, "RSA", "SHA2-256", PADDING_PKCS1, false },
    { 0x0501, "RSA", "SHA2-384", PADDING_PKCS1, false },
    { 0x0601, "RSA", "SHA2-512", PADDING_PKCS1, false },
};
#define SCHEMES (sizeof(schemes) / sizeof(schemes[0]))

const struct scheme *scheme_find(uint16_t code)
{
    for (size_t i = 0; i < SCHEMES; i++)
        if (schemes[i].code == code)
            return &schemes[i];
    return NULL;
}

/* OpenSSL knows that "SHA256" and "SHA2-256" are the same. */
static bool is_digest(const char *asked, const char *row)
{
    if (!row || !asked || !*asked)
        return !row && (!asked || !*asked);
    EVP_MD *md = EVP_MD_fetch(NULL, asked, NULL);
    bool same = md && EVP_MD_is_a(md, row);
    EVP_MD_free(md);
    return same;
}

const struct scheme *scheme_of(const char *key, const char *digest,
                               enum scheme_padding padding)
{
    for (size_t i = 0; i < SCHEMES; i++)
        if (schemes[i].padding == padding &&
            strcasecmp(schemes[i].key, key) == 0 &&
            is_digest(digest, schemes[i].digest))
            return &schemes[i];
    return NULL;
}

const struct scheme *scheme_for(const EVP_PKEY *key)
{
    for (size_t i = 0; i < SCHEMES; i++)
        if (schemes[i].in_13 && EVP_PKEY_is_a(key, schemes[i].key))
            return &schemes[i];
    return NULL;
}

bool scheme_set_padding(const struct scheme *s, EVP_PKEY_CTX *ctx)
{
    if (s->padding == PADDING_NONE)
        return true;
    if (s->padding == PADDING_PKCS1)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}
