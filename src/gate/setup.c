/* The set-up messages of master up to GO, and what follows from them: the TLS
 * context, for whose key gate asks keys for a proof, and the sandbox. In gate,
 * before it meets any client. */
#include "setup.h"

#include <errno.h>
#include <string.h>

#include "sallyport/base/fd.h"
#include "sallyport/tls/context.h"
#include "tell.h"

#define SIGN_MS 10000 /* keys may be starting too */
/* Besides the channels of sessions, the listeners, and connections that wait.
 */
#define FILES_BESIDES 64
/* The kernel measures with this limit, too, what all processes of the uid, so
 * all sessions, have sent and nobody received yet. One that was broken into can
 * have 300 under way, and must not keep gate from handing on its own. */
#define FILES_LEAST 1024

void setup_init(struct setup *s, struct gate *g)
{
    *s = (struct setup){ .gate = g, .root_fd = -1, .keys.keys.fd = -1 };
    chains_init(&s->chains);
}

static int setup_on_conf(void *owner, struct msg_conf *m)
{
    struct setup *s = owner;
    int r = settings_take(&s->gate->settings, m->settings, &s->complaint);

    s->has_conf = r == 0;
    return r;
}

static int setup_on_sandbox(void *owner, struct msg_sandbox *m)
{
    struct setup *s = owner;

    s->root_fd = fd_take(&m->directory);
    s->plan.root_fd = s->root_fd;
    s->has_sandbox = true;
    return sandbox_plan_set(&s->plan, m->root, m->uid, m->gid, m->allow_weaker);
}

static int setup_on_log(void *owner, struct msg_log *m)
{
    struct setup *s = owner;

    return tell_open(s->gate, fd_take(&m->log));
}

static int setup_on_certificate(void *owner, struct msg_certificate *m)
{
    struct setup *s = owner;

    return chains_add(&s->chains, m, &s->complaint);
}

static int setup_on_staple(void *owner, struct msg_staple *m)
{
    struct setup *s = owner;

    return chains_add_staple(&s->chains, m, &s->complaint);
}

static int setup_on_client_ca(void *owner, struct msg_client_ca *m)
{
    struct setup *s = owner;

    return chains_add_ca(&s->chains, m, &s->complaint);
}

static int setup_on_client_crl(void *owner, struct msg_client_crl *m)
{
    struct setup *s = owner;

    return chains_add_crl(&s->chains, m, &s->complaint);
}

static int setup_on_keys(void *owner, struct msg_keys *m)
{
    struct setup *s = owner;

    channel_init(&s->keys.keys, fd_take(&m->keys), PROCESS_GATE, PROCESS_KEYS,
                 PHASE_RUN);
    s->keys.ms = SIGN_MS;
    return 0;
}

static int setup_on_listener(void *owner, struct msg_listener *m)
{
    struct setup *s = owner;
    struct gate *g = s->gate;

    if (g->listeners == SETTINGS_LISTEN_MAX)
        return complain(&s->complaint, "too many listeners");
    g->listener[g->listeners++] = (struct listener){
        .gate = g,
        .index = m->index,
        .implicit = settings_implicit(&g->settings, m->index),
        .proxied = settings_proxied(&g->settings, m->index),
        .acceptor = { .loop = &g->loop,
                      .fd = fd_take(&m->listener),
                      .bound = m->bound,
                      .enter = entry_enter,
                      .full = entry_full },
    };
    return 0;
}

static int setup_on_passive(void *owner, struct msg_passive *m)
{
    struct setup *s = owner;

    if (passive_add(s->gate, m->listener, &m->bound, m->retired) < 0)
        return complain(&s->complaint, "too many passive ports");
    fd_take(&m->listener);
    return 0;
}

static int setup_on_memory(void *owner, struct msg_memory *m)
{
    struct setup *s = owner;
    int r = memory_map(&s->gate->memory, m->file);

    return r == 0 ? 0 : complain(&s->complaint, "memory: %s", strerror(-r));
}

static int setup_on_public_address(void *owner, struct msg_public_address *m)
{
    struct setup *s = owner;

    return gate_told(s->gate, m);
}

static const struct handler setup_handlers[] = {
    ON(conf, setup_on_conf),
    ON(sandbox, setup_on_sandbox),
    ON(log, setup_on_log),
    ON(certificate, setup_on_certificate),
    ON(staple, setup_on_staple),
    ON(client_ca, setup_on_client_ca),
    ON(client_crl, setup_on_client_crl),
    ON(keys, setup_on_keys),
    ON(listener, setup_on_listener),
    ON(passive, setup_on_passive),
    ON(public_address, setup_on_public_address),
    ON(memory, setup_on_memory),
};

int setup_receive(struct setup *s)
{
    int r = loop_init(&s->gate->loop);

    if (r == 0)
        r = channel_setup(&s->gate->master, setup_handlers,
                          sizeof(setup_handlers) / sizeof(setup_handlers[0]), s,
                          SETUP_MS, &s->complaint);
    if (r < 0)
        return -EINVAL;
    if (!s->has_conf || !s->has_sandbox)
        return complain(&s->complaint, "set-up: no settings or no sandbox");
    return 0;
}

int setup_keys(struct setup *s)
{
    struct gate *g = s->gate;
    const struct signer signer = { sign_ask, &s->keys };

    if (s->chains.count == 0 || s->keys.keys.fd < 0)
        return complain(&s->complaint, "set-up: no certificate, or no keys");
    s->chains.clients.mode =
        (enum client_certificates)g->settings.client_certificates;
    g->tls =
        chains_context(&s->chains, &g->settings.tls, &signer, &s->complaint);
    channel_close(&s->keys.keys);
    return g->tls ? 0 : -EINVAL;
}

int setup_sandbox(struct setup *s)
{
    struct gate *g = s->gate;
    const struct sandbox_filter *own =
        g->settings.active ? &filter_gate_active : &filter_gate;
    const struct sandbox_filter *sessions[] = { own, &filter_session, NULL };
    unsigned weaker = 0;
    int r = s->plan.allow_weaker & SANDBOX_SECCOMP
                ? 0
                : sandbox_try_filters(PROCESS_SESSION, sessions, &s->complaint);

    s->plan.max_files = g->settings.max_sessions + LIMIT_QUEUE + g->listeners +
                        g->passive.count + PASSIVE_PARKED + FILES_BESIDES;
    if (g->settings.active) /* one connection under way for each session */
        s->plan.max_files += g->settings.max_sessions;
    if (s->plan.max_files < FILES_LEAST)
        s->plan.max_files = FILES_LEAST;
    s->plan.filter = own;
    sandbox_on_refused(event_on_syscall);
    if (r == 0)
        r = sandbox_enter(PROCESS_GATE, &s->plan, &weaker, &s->complaint);
    fd_close(&s->root_fd);
    return r;
}

void setup_failed(struct setup *s)
{
    channel_failed(&s->gate->master, &s->complaint);
    chains_release(&s->chains);
    channel_close(&s->keys.keys);
}
