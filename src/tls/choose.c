/* Chooses the certificates that a client is offered: those for the name that it
 * sends (SNI, RFC 6066 3), one of each kind of key. OpenSSL then takes the one
 * that the client can verify. Runs in session, in the midst of a handshake. An
 * unknown name must never fail a handshake: the first certificate is offered,
 * and the client decides. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "context_inside.h"

/* Identities of different kinds. */
struct choice {
    const struct identity *all[CERTIFICATES_MAX];
    size_t count;
};

static bool has_kind(const struct choice *c, int kind)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->all[i]->kind == kind)
            return true;
    return false;
}

static void add_choice(struct choice *c, const struct identity *id)
{
    if (!has_kind(c, id->kind))
        c->all[c->count++] = id;
}

/* An exact name goes before a wildcard that covers it. */
static void find_named(const struct tls_context *t, const char *name,
                       struct choice *c)
{
    static const unsigned passes[] = { X509_CHECK_FLAG_NO_WILDCARDS, 0 };

    for (size_t p = 0; p < sizeof(passes) / sizeof(passes[0]); p++)
        for (size_t i = 0; i < t->count; i++)
            if (X509_check_host(t->identity[i].leaf, name, strlen(name),
                                passes[p], NULL) == 1)
                add_choice(c, &t->identity[i]);
}

static int choose_on_client_hello(SSL *ssl, void *owner)
{
    const struct tls_context *t = owner;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    struct choice c = { .count = 0 };

    if (!name || t->count == 1)
        return 1;
    find_named(t, name, &c);
    if (c.count > 0)
        SSL_certs_clear(ssl);
    for (size_t i = 0; i < c.count; i++)
        if (!identity_use(c.all[i], ssl))
            return 0;
    return 1;
}

/* The choice for clients that send no name, or an unknown one. */
static int set_first(struct tls_context *t, const struct tls_pair *pairs,
                     struct complaint *c)
{
    struct choice first = { .count = 0 };

    for (size_t i = 0; i < t->count; i++) {
        const struct identity *id = &t->identity[i];

        if (has_kind(&first, id->kind) || !identity_covers(id, &t->identity[0]))
            continue;
        add_choice(&first, id);
        if (SSL_CTX_use_cert_and_key(t->ssl, id->leaf, id->key, id->chain, 1) !=
            1)
            return complain(c, "%s: %s", pairs[i].certificate,
                            tls_error(ERR_peek_error()));
    }
    return 0;
}

/* Two pairs with the same names and the same kind of key: no client would ever
 * get the second one. */
static int check_duplicates(const struct tls_context *t,
                            const struct tls_pair *pairs, struct complaint *c)
{
    for (size_t i = 0; i < t->count; i++)
        for (size_t j = 0; j < i; j++) {
            const struct identity *a = &t->identity[i], *b = &t->identity[j];

            if (a->kind == b->kind && identity_covers(a, b) &&
                identity_covers(b, a))
                return complain(c,
                                "%s: for the same names, and with the same "
                                "kind of key, as %s",
                                pairs[i].certificate, pairs[j].certificate);
        }
    return 0;
}

int choose_set(struct tls_context *t, const struct tls_pair *pairs,
               struct complaint *c)
{
    int r = check_duplicates(t, pairs, c);

    SSL_CTX_set_cert_cb(t->ssl, choose_on_client_hello, t);
    return r != 0 ? r : set_first(t, pairs, c);
}
