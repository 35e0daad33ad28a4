/* Collects the certificates that master sends, and makes a TLS context of them.
 * Runs in gate. It must never open a file. */
#include "chains.h"

#include <stdlib.h>
#include <string.h>

#include "gate.h"
#include "sallyport/base/fd.h"

static void chain_release(struct tls_pair *pair)
{
    fd_close(&pair->certificate_fd);
    fd_close(&pair->staple_fd);
    free((char *)(uintptr_t)pair->staple);
    free((char *)(uintptr_t)pair->certificate);
    free((char *)(uintptr_t)pair->key);
}

static char *chain_text(struct slice text)
{
    return strndup(text.ptr, text.len);
}

int chains_on_certificate(void *owner, struct msg_certificate *m)
{
    struct gate *g = owner;
    struct chains *p = &g->setup.chains;
    struct tls_pair pair = { .certificate = chain_text(m->path),
                             .key = chain_text(m->key_path),
                             .number = m->number,
                             .in_use = m->in_use,
                             .staple_fd = -1,
                             .certificate_fd = fd_take(&m->file) };

    if (p->count < CERTIFICATES_MAX && pair.certificate && pair.key) {
        p->all[p->count++] = pair;
        return 0;
    }
    chain_release(&pair);
    return complain(&g->frame.why, p->count == CERTIFICATES_MAX
                                       ? "too many certificates"
                                       : "no memory");
}

static struct tls_pair *chain_find(struct chains *p, uint64_t number)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->all[i].number == number && !p->all[i].staple)
            return &p->all[i];
    return NULL;
}

int chains_on_staple(void *owner, struct msg_staple *m)
{
    struct gate *g = owner;
    struct tls_pair *pair = chain_find(&g->setup.chains, m->number);

    if (!pair)
        return complain(&g->frame.why, "an OCSP response of no certificate");
    pair->staple = chain_text(m->path);
    pair->staple_fd = fd_take(&m->file);
    pair->staple_must_count = m->required;
    return pair->staple ? 0 : complain(&g->frame.why, "no memory");
}

void chains_init(struct chains *p)
{
    *p = (struct chains){ .clients = { .ca_fd = -1, .crl_fd = -1 } };
}

int chains_on_client_ca(void *owner, struct msg_client_ca *m)
{
    struct gate *g = owner;
    struct tls_clients *to = &g->setup.chains.clients;

    to->ca = chain_text(m->path);
    to->ca_in_use = m->in_use;
    to->ca_fd = fd_take(&m->file);
    return to->ca ? 0 : complain(&g->frame.why, "no memory");
}

int chains_on_client_crl(void *owner, struct msg_client_crl *m)
{
    struct gate *g = owner;
    struct tls_clients *to = &g->setup.chains.clients;

    to->crl = chain_text(m->path);
    to->crl_in_use = m->in_use;
    to->crl_fd = fd_take(&m->file);
    return to->crl ? 0 : complain(&g->frame.why, "no memory");
}

static int chains_add_clients(struct tls_context *t, const struct chains *p,
                              struct complaint *c)
{
    if (p->clients.mode == CLIENTS_OFF)
        return 0;
    if (p->clients.ca_fd < 0)
        return complain(c, "no CA of clients' certificates");
    return tls_context_clients(t, &p->clients, c);
}

struct tls_context *chains_context(struct chains *p,
                                   const struct tls_policy *policy,
                                   const struct signer *signer,
                                   struct complaint *c)
{
    struct tls_context *t =
        tls_context_new(p->all, p->count, policy, signer, c);

    if (t && chains_add_clients(t, p, c) < 0) {
        tls_context_free(t);
        t = NULL;
    }
    chains_release(p);
    return t;
}

static void chains_release_clients(struct tls_clients *clients)
{
    fd_close(&clients->ca_fd);
    fd_close(&clients->crl_fd);
    free((char *)(uintptr_t)clients->ca);
    free((char *)(uintptr_t)clients->crl);
    clients->ca = clients->crl = NULL;
}

void chains_release(struct chains *p)
{
    while (p->count > 0)
        chain_release(&p->all[--p->count]);
    chains_release_clients(&p->clients);
}
