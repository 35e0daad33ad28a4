/* The set-up messages of master, and what follows from them: the TLS context
 * and the sandbox's plan. The process keys must sign once with each key, to
 * prove that it has it. Runs in gate, before any client connects. */
#include "setup.h"

#include <errno.h>
#include <string.h>

#include "gate.h"
#include "sallyport/base/fd.h"
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
    g->setup = (struct setup){ .keys.keys.fd = -1 };
    chains_init(&g->setup.chains);
}

int setup_on_conf(void *owner, struct msg_conf *m)
{
    struct gate *g = owner;
    int r = settings_take(&g->settings, m->settings, &g->frame.why);

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
    g->listener[g->listeners++] = (struct listener){
        .gate = g,
        .index = m->index,
        .implicit = settings_implicit(&g->settings, m->index),
        .proxied = settings_proxied(&g->settings, m->index),
        .acceptor = { .loop = &g->frame.loop,
                      .fd = fd_take(&m->listener),
                      .bound = m->bound,
                      .enter = entry_enter,
                      .full = entry_full },
    };
    return 0;
}

int setup_on_passive(void *owner, struct msg_passive *m)
{
    struct gate *g = owner;

    if (passive_add(g, m->listener, &m->bound, m->retired) < 0)
        return complain(&g->frame.why, "too many passive ports");
    fd_take(&m->listener);
    return 0;
}

int setup_on_memory(void *owner, struct msg_memory *m)
{
    struct gate *g = owner;
    int r = memory_map(&g->memory, m->file);

    return r == 0 ? 0 : complain(&g->frame.why, "memory: %s", strerror(-r));
}

int setup_keys(struct gate *g)
{
    const struct signer signer = { sign_ask, &g->setup.keys };

    if (g->setup.chains.count == 0 || g->setup.keys.keys.fd < 0)
        return complain(&g->frame.why, "set-up: no certificate, or no keys");
    g->setup.chains.clients.mode =
        (enum client_certificates)g->settings.client_certificates;
    g->tls = chains_context(&g->setup.chains, &g->settings.tls, &signer,
                            &g->frame.why);
    channel_close(&g->setup.keys.keys);
    return g->tls ? 0 : -EINVAL;
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

    plan->max_files = g->settings.max_sessions + LIMIT_QUEUE + g->listeners +
                      g->passive.count + PASSIVE_PARKED + FILES_BESIDES;
    if (g->settings.active) /* one connection under way for each session */
        plan->max_files += g->settings.max_sessions;
    if (plan->max_files < FILES_LEAST)
        plan->max_files = FILES_LEAST;
    if (g->settings.active)
        plan->filter = &filter_gate_active;
    return setup_try_filters(g);
}

void setup_release(struct gate *g)
{
    chains_release(&g->setup.chains);
    channel_close(&g->setup.keys.keys);
}
