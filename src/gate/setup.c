/* The set-up messages of master, and what follows from them: the TLS context of
 * the certificates that master has sent, and the sandbox's plan. The process
 * keys must sign once with each key, to prove that it has it. Runs in gate,
 * before any client connects. It must never open a file. */
#include "gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/shared.h"
#include "sallyport/tls/context.h"

#define SIGN_MS 10000 /* keys may be starting too */
/* In addition to the channels of sessions, the listeners, and connections that
 * wait. */
#define FILES_BESIDES 64
/* By this limit the kernel also bounds the descriptors that all processes of
 * the uid have sent and nobody has received. All sessions have this uid. A
 * session that an attacker controls can have 300 under way, and mustn't keep
 * gate from sending its own. */
#define FILES_LEAST 1024

void setup_init(struct gate *g)
{
    g->setup = (struct setup){ .clients = { .ca.fd = -1, .crl.fd = -1 },
                               .keys.keys.fd = -1 };
}

static void setup_release_pair(struct tls_pair *pair)
{
    fd_close(&pair->certificate_fd);
    fd_close(&pair->staple_fd);
    free((char *)(uintptr_t)pair->staple);
    free((char *)(uintptr_t)pair->certificate);
    free((char *)(uintptr_t)pair->key);
}

/* The certificates are needed no more once the TLS context has them. */
static void setup_release_certificates(struct setup *s)
{
    while (s->pairs > 0)
        setup_release_pair(&s->pair[--s->pairs]);
    fd_close(&s->clients.ca.fd);
    fd_close(&s->clients.crl.fd);
    free((char *)(uintptr_t)s->clients.ca.name);
    free((char *)(uintptr_t)s->clients.crl.name);
    s->clients.ca.name = s->clients.crl.name = NULL;
}

static char *setup_text(struct slice text)
{
    return strndup(text.ptr, text.len);
}

int setup_on_certificate(void *owner, struct msg_certificate *m)
{
    struct gate *g = owner;
    struct setup *s = &g->setup;
    struct tls_pair pair = { .certificate = setup_text(m->path),
                             .key = setup_text(m->key_path),
                             .number = m->number,
                             .in_use = m->in_use,
                             .staple_fd = -1,
                             .certificate_fd = fd_take(&m->file) };

    if (s->pairs < CERTIFICATES_MAX && pair.certificate && pair.key) {
        s->pair[s->pairs++] = pair;
        return 0;
    }
    setup_release_pair(&pair);
    return complain(&g->frame.why, s->pairs == CERTIFICATES_MAX
                                       ? "too many certificates"
                                       : "no memory");
}

static struct tls_pair *setup_unstapled(struct setup *s, uint64_t number)
{
    for (size_t i = 0; i < s->pairs; i++)
        if (s->pair[i].number == number && !s->pair[i].staple)
            return &s->pair[i];
    return NULL;
}

/* It belongs to a certificate that came before. */
int setup_on_staple(void *owner, struct msg_staple *m)
{
    struct gate *g = owner;
    struct tls_pair *pair = setup_unstapled(&g->setup, m->number);

    if (!pair)
        return complain(&g->frame.why, "an OCSP response of no certificate");
    pair->staple = setup_text(m->path);
    pair->staple_fd = fd_take(&m->file);
    pair->staple_must_count = m->required;
    return pair->staple ? 0 : complain(&g->frame.why, "no memory");
}

int setup_on_client_file(void *owner, struct msg_client_file *m)
{
    struct gate *g = owner;
    struct tls_clients *all = &g->setup.clients;
    struct tls_clients_file *to = m->lists ? &all->crl : &all->ca;

    if (to->name)
        return complain(&g->frame.why, "a second file of one kind");
    to->name = setup_text(m->path);
    to->in_use = m->in_use;
    to->fd = fd_take(&m->file);
    return to->name ? 0 : complain(&g->frame.why, "no memory");
}

int setup_on_conf(void *owner, struct msg_conf *m)
{
    struct gate *g = owner;
    int r = settings_take(&g->settings, m->settings, &g->frame.why);

    g->places = settings_places(&g->settings, m->before);
    g->setup.has_conf = r == 0;
    return r;
}

int setup_on_keys(void *owner, struct msg_keys *m)
{
    struct gate *g = owner;

    channel_init(&g->setup.keys.keys, fd_take(&m->keys), PROCESS_GATE,
                 PROCESS_KEYS, PHASE_RUN);
    g->setup.keys.ms = SIGN_MS;
    return 0;
}

int setup_on_listener(void *owner, struct msg_listener *m)
{
    struct gate *g = owner;

    if (g->listeners == SETTINGS_LISTEN_MAX)
        return complain(&g->frame.why, "too many listeners");
    g->listener[g->listeners++] = (struct gate_listener){
        .gate = g,
        .index = m->index,
        .implicit = settings_implicit(&g->settings, m->index),
        .proxied = settings_proxied(&g->settings, m->index),
        .acceptor = { .loop = &g->frame.loop,
                      .fd = fd_take(&m->listener),
                      .bound = m->bound,
                      .may = entry_may,
                      .enter = entry_enter,
                      .full = entry_full },
    };
    return 0;
}

int setup_on_memory(void *owner, struct msg_memory *m)
{
    struct gate *g = owner;
    void *bans = NULL;
    int r = shared_map(m->bans, sizeof(*g->bans), PROT_READ, &bans);

    g->bans = bans;
    random_bytes(g->ban_index.key, sizeof(g->ban_index.key));
    if (r == 0)
        r = board_map(m->board, false, &g->board);
    if (r == 0)
        g->row = board_find(g->board, m->generation);
    if (r == 0 && !g->row)
        r = -ENOENT;
    if (r == 0)
        r = memory_map(&g->memory, m->file);
    return r == 0 ? 0 : complain(&g->frame.why, "memory: %s", strerror(-r));
}

static int setup_add_clients(struct gate *g)
{
    struct tls_clients *clients = &g->setup.clients;

    clients->mode = (enum client_certificates)g->settings.client_certificates;
    if (clients->mode == CLIENTS_OFF)
        return 0;
    if (clients->ca.fd < 0)
        return complain(&g->frame.why, "no CA of clients' certificates");
    return tls_context_clients(g->tls, clients, &g->frame.why);
}

int setup_context(struct gate *g)
{
    const struct signer signer = { sign_ask, &g->setup.keys };
    int r;

    if (g->setup.pairs == 0 || g->setup.keys.keys.fd < 0)
        return complain(&g->frame.why, "set-up: no certificate, or no keys");
    g->tls = tls_context_new(g->setup.pair, g->setup.pairs, &g->settings.tls,
                             &signer, &g->frame.why);
    r = g->tls ? setup_add_clients(g) : -EINVAL;
    setup_release_certificates(&g->setup);
    channel_close(&g->setup.keys.keys);
    return r;
}

/* A session is a fork under gate's filter, with its own one above it. */
static int setup_try_filters(struct gate *g)
{
    const struct sandbox_filter *sessions[] = { g->frame.plan.filter,
                                                &filter_session, NULL };

    if (g->frame.plan.allow_weaker & SANDBOX_SECCOMP)
        return 0;
    return sandbox_try_filters(PROCESS_SESSION, sessions, &g->frame.why);
}

int setup_plan(struct gate *g)
{
    struct sandbox_plan *plan = &g->frame.plan;

    plan->max_files = g->places + LIMIT_QUEUE + g->listeners + FILES_BESIDES;
    if (g->settings.active) /* one connection under way for each session */
        plan->max_files += g->places;
    if (plan->max_files < FILES_LEAST)
        plan->max_files = FILES_LEAST;
    if (g->settings.active)
        plan->filter = &filter_gate_active;
    return setup_try_filters(g);
}

void setup_release(struct gate *g)
{
    setup_release_certificates(&g->setup);
    channel_close(&g->setup.keys.keys);
}
