/* Makes gate's objects from master's set-up: the TLS context of the
 * certificates, and the sandbox's plan. The process keys must sign once with
 * each key, to prove that it has the key. Runs in gate, before any client
 * connects, and must never open a file. */
#include "gate.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "sallyport/base/shared.h"
#include "sallyport/tls/context.h"

#define SIGN_MS 10000 /* ms for another process keys to start */
/* Descriptors besides the channels of sessions, the listeners, and the
 * connections that wait. */
#define FILES_BESIDES 64
/* The kernel also applies this limit to the descriptors that all processes of
 * gate's uid have sent and nobody has received. All sessions have this uid. An
 * attacker who controls a session can have 300 descriptors under way, and these
 * must not prevent gate from sending its own descriptors. */
#define FILES_LEAST 1024

static int setup_memory(struct gate *g)
{
    struct setup *s = &g->frame.setup;
    int r;

    for (size_t i = SETUP_MEMORY; i <= SETUP_BOARD; i++)
        if (s->file[i].fd < 0)
            return complain(&g->frame.why, "memory: it isn't there");
    r = SHARED_MAP(g->bans, s->file[SETUP_BANS].fd, PROT_READ);
    random_bytes(g->ban_index.key, sizeof(g->ban_index.key));
    if (r == 0)
        r = SHARED_MAP(g->board, s->file[SETUP_BOARD].fd, PROT_READ);
    if (r == 0)
        g->row = board_find(g->board, s->generation);
    if (r == 0 && !g->row)
        r = -ENOENT;
    if (r == 0)
        r = memory_map(&g->memory, s->file[SETUP_MEMORY].fd);
    if (r < 0)
        complain(&g->frame.why, "memory: %s", strerror(-r));
    return r;
}

int setup_take_all(struct gate *g)
{
    struct setup *s = &g->frame.setup;
    int r =
        settings_take(&g->settings, s->file[SETUP_SETTINGS].fd, &g->frame.why);

    g->places = s->sessions;
    for (size_t i = 0; i < SETUP_LISTENERS && r == 0; i++)
        if (s->file[SETUP_LISTENER + i].fd >= 0)
            g->listener[g->listeners++] = (struct gate_listener){
                .gate = g,
                .index = i,
                .implicit = settings_listener(&g->settings, i)->implicit,
                .proxied = settings_listener(&g->settings, i)->proxied,
                .fd = setup_take(s, SETUP_LISTENER + i),
            };
    return r < 0 ? r : setup_memory(g);
}

int setup_context(struct gate *g)
{
    struct setup *s = &g->frame.setup;
    const struct setup_file *certificate = &s->file[SETUP_CERTIFICATE];
    const struct signer signer = { sign_ask, &g->keys };
    const struct setup_file *ca = &s->file[SETUP_CLIENT_CA],
                            *crl = &s->file[SETUP_CLIENT_CRL];
    const struct tls_clients clients = {
        .mode = (enum client_certificates)g->settings.client_certificates,
        .ca = { ca->fd, ca->name, ca->in_use },
        .crl = { crl->fd, crl->name, crl->in_use },
    };
    struct tls_pair pair[CERTIFICATES_MAX];
    size_t n = 0;

    /* A key and its certificate have the same number. */
    for (; n < CERTIFICATES_MAX && certificate[n].fd >= 0; n++)
        pair[n] = (struct tls_pair){ .certificate_fd = certificate[n].fd,
                                     .certificate = certificate[n].name,
                                     .key = s->file[SETUP_KEY + n].name,
                                     .in_use = certificate[n].in_use,
                                     .number = n + 1 };
    g->keys.ms = SIGN_MS;
    channel_init(&g->keys.keys, setup_take(s, SETUP_KEYS), PROCESS_GATE,
                 PROCESS_KEYS, PHASE_RUN);
    g->tls = tls_context_new(pair, n, &g->settings.tls, &signer, &g->frame.why);
    channel_close(&g->keys.keys);
    if (!g->tls)
        return -EINVAL;
    return clients.mode == CLIENTS_OFF
               ? 0
               : tls_context_clients(g->tls, &clients, &g->frame.why);
}

int setup_plan(struct gate *g)
{
    struct sandbox_plan *plan = &g->frame.plan;

    plan->max_files = g->places + LIMIT_QUEUE + g->listeners + FILES_BESIDES;
    if (plan->max_files < FILES_LEAST)
        plan->max_files = FILES_LEAST;
    if (plan->allow_weaker & SANDBOX_SECCOMP)
        return 0;
    /* Also try session's filter: a session is a fork under gate's filter, and
     * adds its own. */
    const struct sandbox_filter *sessions[] = { plan->filter, &filter_session,
                                                NULL };
    return sandbox_try_filters(PROCESS_SESSION, sessions, &g->frame.why);
}
