/* Certificates on their way from master into a TLS context: at the start, and
 * at each reload. Runs in gate; must never open a file. */
#include "chains.h"

#include <stdlib.h>
#include <string.h>

#include "sallyport/base/fd.h"

static void release(struct tls_pair *pair)
{
    fd_close(&pair->certificate_fd);
    fd_close(&pair->staple_fd);
    free((char *)(uintptr_t)pair->staple);
    free((char *)(uintptr_t)pair->certificate);
    free((char *)(uintptr_t)pair->key);
}

int chains_add(struct chains *p, struct packet *from, struct complaint *c)
{
    const struct slice name = from->value[1].text, key = from->value[2].text;
    struct tls_pair pair = { .certificate = strndup(name.ptr, name.len),
                             .key = strndup(key.ptr, key.len),
                             .number = from->value[0].number,
                             .in_use = from->value[3].number == 1,
                             .staple_fd = -1,
                             .certificate_fd = fd_take(&from->fd[0]) };

    if (p->count < TLS_PAIRS_MAX && pair.certificate && pair.key) {
        p->all[p->count++] = pair;
        return 0;
    }
    release(&pair);
    return complain(c, p->count == TLS_PAIRS_MAX ? "too many certificates"
                                                 : "no memory");
}

static struct tls_pair *find(struct chains *p, uint64_t number)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->all[i].number == number && !p->all[i].staple)
            return &p->all[i];
    return NULL;
}

int chains_add_staple(struct chains *p, struct packet *from,
                      struct complaint *c)
{
    const struct slice name = from->value[2].text;
    struct tls_pair *pair = find(p, from->value[0].number);

    if (!pair)
        return complain(c, "an OCSP response of no certificate");
    pair->staple = strndup(name.ptr, name.len);
    pair->staple_fd = fd_take(&from->fd[0]);
    pair->staple_must_count = from->value[1].number == 1;
    return pair->staple ? 0 : complain(c, "no memory");
}

void chains_init(struct chains *p)
{
    *p = (struct chains){ .clients = { .ca_fd = -1, .crl_fd = -1 } };
}

int chains_add_clients(struct chains *p, struct packet *from,
                       struct complaint *c)
{
    bool crl = from->message == MSG_CLIENT_CRL;
    struct tls_clients *to = &p->clients;
    const struct slice name = from->value[0].text;
    const char **field = crl ? &to->crl : &to->ca;

    if (*field)
        return complain(c, "a second file of clients' CAs or lists");
    *field = strndup(name.ptr, name.len);
    *(crl ? &to->crl_in_use : &to->ca_in_use) = from->value[1].number == 1;
    *(crl ? &to->crl_fd : &to->ca_fd) = fd_take(&from->fd[0]);
    return *field ? 0 : complain(c, "no memory");
}

static int add_clients(struct tls_context *t, const struct chains *p,
                       struct complaint *c)
{
    if (p->clients.mode == CLIENTS_OFF)
        return 0;
    if (p->clients.ca_fd < 0)
        return complain(c, "no CA of clients' certificates");
    return tls_context_clients(t, &p->clients, c);
}

/* Also where T is NULL. */
static struct tls_context *finish(struct chains *p, struct tls_context *t,
                                  struct complaint *c)
{
    if (t && add_clients(t, p, c) < 0) {
        tls_context_free(t);
        t = NULL;
    }
    chains_release(p);
    return t;
}

struct tls_context *chains_load(struct chains *p,
                                const struct tls_policy *policy,
                                const struct signer *signer,
                                struct complaint *c)
{
    struct tls_context *t =
        tls_context_load(p->all, p->count, policy, signer, c);

    return finish(p, t, c);
}

struct tls_context *chains_context(struct chains *p,
                                   const struct tls_policy *policy,
                                   const struct signer *signer,
                                   struct complaint *c)
{
    struct tls_context *t =
        tls_context_new(p->all, p->count, policy, signer, c);

    return finish(p, t, c);
}

static void release_clients(struct tls_clients *clients)
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
        release(&p->all[--p->count]);
    release_clients(&p->clients);
}
