/* A certificate with its chain and its key, ready for a connection. The key is
 * only a stand-in: keys has the private one. Gate makes an identity; gate and
 * session use it. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "context_inside.h"
#include "remote.h"
#include "scheme.h"

static int keep_names(struct identity *id, const struct tls_pair *pair,
                      struct complaint *c)
{
    id->name = strdup(pair->certificate);
    id->key_name = strdup(pair->key);
    id->number = pair->number;
    return id->name && id->key_name
               ? 0
               : complain(c, "%s: no memory", pair->certificate);
}

/* A certificate is used without its OCSP response if that is unusable, except
 * where the caller demands a usable one. */
static int add_staple(struct identity *id, const struct tls_pair *pair,
                      struct complaint *c)
{
    struct complaint why = { "" };
    int r = pair->staple ? staple_load(id, pair, &why) : 0;

    if (r != 0 && pair->staple_must_count)
        return complain(c, "%s", why.text);
    if (r != 0)
        id->unstapled = strdup(why.text);
    return 0;
}

int identity_load(struct identity *id, const struct tls_pair *pair,
                  const struct signer *signer, struct complaint *c)
{
    EVP_PKEY *public;
    int r = chain_load(id, pair, c);

    if (r == 0)
        r = keep_names(id, pair, c);
    if (r != 0)
        return r;
    public = X509_get0_pubkey(id->leaf);
    id->kind = EVP_PKEY_get_base_id(public);
    if (!scheme_for(public))
        return complain(c, "%s: no signature scheme for its key",
                        pair->certificate);
    id->key = remote_key_new(public, signer, pair->number);
    if (!id->key)
        return complain(c, "%s: %s", pair->certificate,
                        tls_error(ERR_peek_last_error()));
    return add_staple(id, pair, c);
}

void identity_free(struct identity *id)
{
    X509_free(id->leaf);
    sk_X509_pop_free(id->chain, X509_free);
    EVP_PKEY_free(id->key);
    free(id->name);
    free(id->key_name);
    free(id->unstapled);
    staple_drop(&id->staple);
    *id = (struct identity){ 0 };
}

bool identity_use(const struct identity *id, SSL *ssl)
{
    return SSL_use_cert_and_key(ssl, id->leaf, id->key, id->chain, 1) == 1;
}

static int64_t not_after(X509 *x)
{
    return date_seconds(X509_get0_notAfter(x));
}

int64_t identity_expires(const struct identity *id)
{
    int64_t first = not_after(id->leaf);

    for (int i = 0; i < sk_X509_num(id->chain); i++)
        if (not_after(sk_X509_value(id->chain, i)) < first)
            first = not_after(sk_X509_value(id->chain, i));
    return first;
}

/* Is certificate X valid for this name of another certificate? A wildcard is
 * valid for the same wildcard. */
static bool has_name(X509 *x, const GENERAL_NAME *name)
{
    const ASN1_STRING *text;

    if (name->type != GEN_DNS)
        return true; /* clients ask for no other kind of name */
    text = name->d.dNSName;
    return X509_check_host(x, (const char *)ASN1_STRING_get0_data(text),
                           (size_t)ASN1_STRING_length(text), 0, NULL) == 1;
}

bool identity_covers(const struct identity *b, const struct identity *a)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(a->leaf, NID_subject_alt_name, NULL, NULL);
    bool all = true;

    if (!names)
        return X509_NAME_cmp(X509_get_subject_name(a->leaf),
                             X509_get_subject_name(b->leaf)) == 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        all = all && has_name(b->leaf, sk_GENERAL_NAME_value(names, i));
    GENERAL_NAMES_free(names);
    return all;
}
