/* The set-up messages of master up to GO, and what follows from them: the TLS
 * context, for whose key gate asks keys for a proof, and the cage. In gate,
 * before it meets any client. */
#include "setup.h"

#include <errno.h>
#include <string.h>

#include "sallyport/base/fd.h"
#include "sallyport/tls/context.h"
#include "tell.h"

/* Besides the channels of sessions, the listeners, and connections that wait.
 */
#define FILES_BESIDES 64
/* The kernel measures with this limit, too, what all processes of the uid, so
 * all sessions, have sent and nobody received yet. One that was broken into can
 * have 300 under way, and must not keep gate from handing on its own. */
#define FILES_LEAST 1024

void setup_init(struct setup *s, struct gate *g)
{
    *s = (struct setup){ .gate = g, .root_fd = -1 };
    chains_init(&s->chains);
}

static int on_conf(void *owner, struct packet *p)
{
    struct setup *s = owner;
    int r = gate_settings(&s->gate->settings, p->fd[0], &s->complaint);

    s->has_conf = r == 0;
    return r;
}

static int on_cage(void *owner, struct packet *p)
{
    struct setup *s = owner;

    s->root_fd = fd_take(&p->fd[0]);
    s->plan.root_fd = s->root_fd;
    s->has_cage = true;
    return cage_plan_told(&s->plan, p->value[0].number, p->value[1].number,
                          p->value[2].number, p->value[3].number);
}

static int on_log(void *owner, struct packet *p)
{
    struct setup *s = owner;

    return tell_open(s->gate, fd_take(&p->fd[0]));
}

static int on_certificate(void *owner, struct packet *p)
{
    struct setup *s = owner;

    return chains_add(&s->chains, p, &s->complaint);
}

static int on_staple(void *owner, struct packet *p)
{
    struct setup *s = owner;

    return chains_add_staple(&s->chains, p, &s->complaint);
}

static int on_clients(void *owner, struct packet *p)
{
    struct setup *s = owner;

    return chains_add_clients(&s->chains, p, &s->complaint);
}

static int on_keys(void *owner, struct packet *p)
{
    struct setup *s = owner;

    return gate_sign_by(s->gate, fd_take(&p->fd[0]));
}

static int on_listener(void *owner, struct packet *p)
{
    struct setup *s = owner;
    struct gate *g = s->gate;

    if (g->listeners == SETTINGS_LISTEN_MAX)
        return complain(&s->complaint, "too many listeners");
    g->listener[g->listeners++] = (struct listener){
        .gate = g,
        .index = p->value[0].number,
        .implicit = settings_implicit(&g->settings, p->value[0].number),
        .proxied = settings_proxied(&g->settings, p->value[0].number),
        .door = { .loop = &g->loop,
                  .fd = fd_take(&p->fd[0]),
                  .bound = p->value[1].address,
                  .enter = entry_enter,
                  .full = entry_full },
    };
    return 0;
}

static int on_passive(void *owner, struct packet *p)
{
    struct setup *s = owner;

    if (passive_add(s->gate, p->fd[0], &p->value[0].address) < 0)
        return complain(&s->complaint, "too many passive ports");
    fd_take(&p->fd[0]);
    return 0;
}

static int on_told(void *owner, struct packet *p)
{
    struct setup *s = owner;

    return gate_told(s->gate, p);
}

static const struct handler handlers[] = {
    { MSG_CONF, on_conf },
    { MSG_CAGE, on_cage },
    { MSG_LOG, on_log },
    { MSG_CERTIFICATE, on_certificate },
    { MSG_LISTENER, on_listener },
    { MSG_PASSIVE, on_passive },
    { MSG_TOLD, on_told },
    { MSG_KEYS, on_keys },
    { MSG_STAPLE, on_staple },
    { MSG_CLIENT_CA, on_clients },
    { MSG_CLIENT_CRL, on_clients },
};

int setup_receive(struct setup *s)
{
    int r = loop_init(&s->gate->loop);

    if (r == 0)
        r = channel_setup(&s->gate->master, handlers,
                          sizeof(handlers) / sizeof(handlers[0]), s, SETUP_MS,
                          &s->complaint);
    if (r < 0)
        return -EINVAL;
    if (!s->has_conf || !s->has_cage)
        return complain(&s->complaint, "set-up: no settings or no cage");
    return 0;
}

int setup_keys(struct setup *s)
{
    struct gate *g = s->gate;
    const struct signer signer = { sign_ask, &g->signer };

    if (s->chains.count == 0 || g->signer.keys.fd < 0)
        return complain(&s->complaint, "set-up: no certificate, or no keys");
    s->chains.clients.mode =
        (enum client_certificates)g->settings.client_certificates;
    g->tls =
        chains_context(&s->chains, &g->settings.tls, &signer, &s->complaint);
    return g->tls ? 0 : -EINVAL;
}

int setup_cage(struct setup *s)
{
    struct gate *g = s->gate;
    unsigned weaker = 0;
    int r = cage_prepare(PROCESS_SESSION, &s->complaint);

    s->plan.max_files = g->settings.max_sessions + LIMIT_QUEUE + g->listeners +
                        g->passive.count + PASSIVE_PARKED + FILES_BESIDES;
    if (g->settings.active) /* one connection under way for each session */
        s->plan.max_files += g->settings.max_sessions;
    if (s->plan.max_files < FILES_LEAST)
        s->plan.max_files = FILES_LEAST;
    s->plan.connects = g->settings.active;
    cage_on_refused(event_on_syscall);
    if (r == 0)
        r = cage_enter(PROCESS_GATE, &s->plan, &weaker, &s->complaint);
    fd_close(&s->root_fd);
    return r;
}

void setup_failed(struct setup *s)
{
    channel_failed(&s->gate->master, &s->complaint);
    chains_release(&s->chains);
}
