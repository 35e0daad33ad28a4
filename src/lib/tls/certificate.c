/* The server's certificates: reads a chain from a PEM file, with the stand-in
 * for its key, and chooses the certificates for a client. Gate reads the files,
 * also for sallyportd --check. It never opens a file: gate has the descriptors.
 * Session chooses during a handshake, by the name that the client sends (SNI,
 * RFC 6066 3), one certificate of each kind of key, and OpenSSL takes a kind
 * that the client can verify. An unknown name must never fail a handshake:
 * session offers the first certificate, and the client decides. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls.h"

#define CHAIN_MAX 16 /* certificates */

/* Accepts an expired certificate that is in use: a restarted gate, or a reload
 * for another reason, must not refuse it, since some clients accept it. */
int certificate_dates(struct tls_context *t, const X509 *x,
                      const struct tls_date *of, const char *which, bool in_use,
                      struct complaint *c)
{
    const ASN1_TIME *begins = X509_get0_notBefore(x),
                    *expires = X509_get0_notAfter(x);
    struct tls_date d = *of;
    char date[DATE_TEXT_MAX];

    if (!in_use && X509_cmp_time(expires, NULL) <= 0)
        return complain(c, "%s: %s has expired on %s; renew it, then reload",
                        of->file, which, date_text(expires, date));
    if (!in_use && X509_cmp_time(begins, NULL) > 0)
        return complain(c,
                        "%s: %s is not valid yet: only from %s on; is this "
                        "machine's clock right?",
                        of->file, which, date_text(begins, date));
    d.begins = date_seconds(begins);
    d.expires = date_seconds(expires);
    return date_note(t, &d, DATE_WARN_S) < 0
               ? complain(c, "%s: no memory", of->file)
               : 0;
}

struct chain {
    struct tls_context *t;
    const struct tls_pair *pair;
    struct complaint *c;
};

static void *parse_certificate(BIO *b)
{
    return PEM_read_bio_X509_AUX(b, NULL, NULL, NULL);
}

static int take_certificate(void *owner, void *thing, int number)
{
    const struct chain *r = owner;
    struct identity *id = &r->t->identity[r->t->count - 1];
    const struct tls_date of = { .file = id->name,
                                 .what = "certificate",
                                 .number = number };
    char which[48] = "the certificate";
    X509 *x = thing;
    int e;

    if (number > 1)
        snprintf(which, sizeof(which), "certificate %d of the chain", number);
    e = certificate_dates(r->t, x, &of, which, r->pair->in_use, r->c);
    if (e == 0 && number == 1) {
        id->leaf = x; /* the identity owns X now */
        if (!(X509_get_key_usage(x) & KU_DIGITAL_SIGNATURE))
            return complain(r->c, "%s: its key usage has no digitalSignature",
                            id->name);
        return key_check(X509_get0_pubkey(x), id->name, r->c);
    }
    if (e == 0 && number > CHAIN_MAX)
        e = complain(r->c, "%s: more than %d certificates", id->name,
                     CHAIN_MAX);
    if (e == 0 && !id->chain)
        id->chain = sk_X509_new_null();
    if (e == 0 && id->chain && sk_X509_push(id->chain, x) > 0)
        return 0; /* the chain owns X now */
    X509_free(x);
    return e != 0 ? e : complain(r->c, "%s: no memory", id->name);
}

static const struct pem_kind certificates = { "certificate", parse_certificate,
                                              take_certificate };

int identity_load(struct tls_context *t, const struct tls_pair *pair,
                  struct complaint *c)
{
    const struct pem_file file = { pair->certificate_fd, pair->certificate,
                                   PEM_MAX };
    struct identity *id = &t->identity[t->count++];
    struct chain chain = { t, pair, c };
    EVP_PKEY *public;

    id->name = strdup(pair->certificate);
    id->key_name = strdup(pair->key);
    id->number = pair->number;
    if (!id->name || !id->key_name)
        return complain(c, "%s: no memory", pair->certificate);
    if (pem_each(&file, &certificates, &chain, c) != 0)
        return -EINVAL;
    public = X509_get0_pubkey(id->leaf);
    id->kind = EVP_PKEY_get_base_id(public);
    id->key = remote_key_new(public, &t->signer, pair->number);
    if (!id->key)
        return complain(c, "%s: %s", pair->certificate,
                        tls_error(ERR_peek_last_error()));
    return 0;
}

bool identity_use(const struct identity *id, SSL *ssl)
{
    return SSL_use_cert_and_key(ssl, id->leaf, id->key, id->chain, 1) == 1;
}

/* Writes the first DNS name that is the name of a host, not a wildcard; or "".
 */
static void certificate_host(const X509 *x, char out[HOST_TEXT_MAX])
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

    out[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !out[0]; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        struct slice text;

        if (name->type != GEN_DNS)
            continue;
        text = (struct slice){ (const char *)ASN1_STRING_get0_data(
                                   name->d.dNSName),
                               (size_t)ASN1_STRING_length(name->d.dNSName) };
        /* The name goes into a command line of curl, and a certificate can have
         * any byte there. */
        if (text.len > 0 && text.ptr[0] != '-' &&
            slice_has_only(text, WORD_LETTERS) &&
            slice_copy(text, out, HOST_TEXT_MAX))
            out[0] = '\0';
    }
    GENERAL_NAMES_free(names);
}

/* Returns true if B is valid for every name for which A is valid. A wildcard
 * counts as valid for the same wildcard. */
static bool identity_covers(const struct identity *b, const struct identity *a)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(a->leaf, NID_subject_alt_name, NULL, NULL);
    bool all = true;

    if (!names)
        return X509_NAME_cmp(X509_get_subject_name(a->leaf),
                             X509_get_subject_name(b->leaf)) == 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && all; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        const ASN1_STRING *text = name->d.dNSName;

        if (name->type == GEN_DNS) /* clients send no other kind of name */
            all = X509_check_host(
                      b->leaf, (const char *)ASN1_STRING_get0_data(text),
                      (size_t)ASN1_STRING_length(text), 0, NULL) == 1;
    }
    GENERAL_NAMES_free(names);
    return all;
}

/* The identities that are offered to one client, each with another kind of key.
 */
struct identity_choice {
    const struct identity *all[CERTIFICATES_MAX];
    size_t count;
};

/* Adds an identity. Returns false if C has an identity of this kind already. */
static bool add_choice(struct identity_choice *c, const struct identity *id)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->all[i]->kind == id->kind)
            return false;
    c->all[c->count++] = id;
    return true;
}

static int choose_on_client_hello(SSL *ssl, void *owner)
{
    const struct tls_context *t = owner;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    struct identity_choice c = { .count = 0 };

    if (!name || t->count == 1)
        return 1;
    /* Find the identities for the name. An exact name is preferred to a
     * wildcard that covers the name. */
    static const unsigned passes[] = { X509_CHECK_FLAG_NO_WILDCARDS, 0 };

    for (size_t p = 0; p < sizeof(passes) / sizeof(passes[0]); p++)
        for (size_t i = 0; i < t->count; i++)
            if (X509_check_host(t->identity[i].leaf, name, strlen(name),
                                passes[p], NULL) == 1)
                add_choice(&c, &t->identity[i]);
    if (c.count > 0)
        SSL_certs_clear(ssl);
    for (size_t i = 0; i < c.count; i++)
        if (!identity_use(c.all[i], ssl))
            return 0;
    return 1;
}

/* Returns an earlier identity for the same names and with the same kind of key,
 * because of which no client gets identity I. Returns NULL if there is no such
 * identity. */
static const struct identity *choose_earlier(const struct tls_context *t,
                                             size_t i)
{
    const struct identity *b = &t->identity[i];

    for (const struct identity *a = t->identity; a < b; a++)
        if (a->kind == b->kind && identity_covers(a, b) &&
            identity_covers(b, a))
            return a;
    return NULL;
}

bool tls_context_pair(const struct tls_context *t, size_t i,
                      struct tls_pair_facts *ret)
{
    const struct identity *id = &t->identity[i];
    unsigned char hash[EVP_MAX_MD_SIZE], *key = NULL;
    unsigned hashed;
    int len;

    if (i >= t->count)
        return false;
    *ret = (struct tls_pair_facts){ .number = id->number,
                                    .name = id->name,
                                    .unused = choose_earlier(t, i) != NULL,
                                    .self_signed =
                                        X509_self_signed(id->leaf, 0) == 1 };
    if (X509_digest(id->leaf, EVP_sha256(), hash, &hashed) == 1)
        OPENSSL_buf2hexstr_ex(ret->fingerprint, FINGERPRINT_TEXT_MAX, NULL,
                              hash, hashed, ':');
    len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(id->leaf), &key);
    if (len > 0 &&
        EVP_Digest(key, (size_t)len, hash, &hashed, EVP_sha256(), NULL) == 1) {
        memcpy(ret->pin, "sha256//", 8);
        EVP_EncodeBlock((unsigned char *)ret->pin + 8, hash, (int)hashed);
    }
    OPENSSL_free(key);
    certificate_host(id->leaf, ret->host);
    return true;
}

int choose_set(struct tls_context *t, const struct tls_pair *pairs,
               struct complaint *c)
{
    SSL_CTX_set_cert_cb(t->ssl, choose_on_client_hello, t);
    /* Refuse a second pair for the same names, unless both pairs are in use: a
     * renewal can have given them the same names, and the server must start.
     * Then no client gets the second pair. */
    for (size_t i = 0; i < t->count; i++) {
        const struct identity *same = choose_earlier(t, i);

        if (same && !(pairs[i].in_use && pairs[same - t->identity].in_use))
            return complain(c,
                            "%s has the same names and the same kind of key "
                            "as %s; remove one of the two",
                            pairs[i].certificate, same->name);
    }
    /* Set the choice for clients that send no name, or an unknown name. */
    struct identity_choice first = { .count = 0 };

    for (size_t i = 0; i < t->count; i++) {
        const struct identity *id = &t->identity[i];

        if (!identity_covers(id, &t->identity[0]) || !add_choice(&first, id))
            continue;
        if (SSL_CTX_use_cert_and_key(t->ssl, id->leaf, id->key, id->chain, 1) !=
            1)
            return complain(c, "%s: %s", pairs[i].certificate,
                            tls_error(ERR_peek_error()));
    }
    return 0;
}
