/* A reload, in gate: new settings and certificates are gathered, tried, and
 * taken as a whole or not at all. Sessions that were forked before keep what
 * they have. The context is made behind the sandbox: it needs memory, and keys,
 * whose proofs are asked for one by one. Must never wait for them: connections
 * and ports are served meanwhile. */
#include <errno.h>
#include <string.h>

#include "gate.h"
#include "sallyport/base/fd.h"
#include "sallyport/tls/context.h"

#define PROOFS_MS 4000 /* all of them; master waits longer */

int gate_settings(struct settings *s, int fd, struct complaint *c)
{
    struct buf text;
    int r;

    buf_init(&text, SETTINGS_TEXT_MAX);
    r = fd_read_file(fd, &text);
    if (r < 0)
        complain(c, "settings: %s", strerror(-r));
    else
        r = settings_parse(s, buf_slice(&text), "settings", c);
    buf_release(&text);
    return r;
}

int reload_on_conf(void *owner, struct msg_conf *m)
{
    struct renewal *n = &((struct gate *)owner)->renewal;

    n->has_settings =
        gate_settings(&n->settings, m->settings, &n->complaint) == 0;
    return 0;
}

int reload_on_certificate(void *owner, struct msg_certificate *m)
{
    struct renewal *n = &((struct gate *)owner)->renewal;

    if (!n->complaint.text[0])
        chains_add(&n->chains, m, &n->complaint);
    return 0;
}

int reload_on_staple(void *owner, struct msg_staple *m)
{
    struct renewal *n = &((struct gate *)owner)->renewal;

    if (!n->complaint.text[0])
        chains_add_staple(&n->chains, m, &n->complaint);
    return 0;
}

int reload_on_client_ca(void *owner, struct msg_client_ca *m)
{
    struct renewal *n = &((struct gate *)owner)->renewal;

    if (!n->complaint.text[0])
        chains_add_ca(&n->chains, m, &n->complaint);
    return 0;
}

int reload_on_client_crl(void *owner, struct msg_client_crl *m)
{
    struct renewal *n = &((struct gate *)owner)->renewal;

    if (!n->complaint.text[0])
        chains_add_crl(&n->chains, m, &n->complaint);
    return 0;
}

static struct tls_context *make_context(struct gate *g)
{
    const struct signer signer = { sign_ask, &g->signer };

    if (g->renewal.complaint.text[0])
        return NULL;
    if (!g->renewal.has_settings) {
        complain(&g->renewal.complaint, "no settings");
        return NULL;
    }
    g->renewal.chains.clients.mode =
        (enum client_certificates)g->renewal.settings.client_certificates;
    return chains_load(&g->renewal.chains, &g->renewal.settings.tls, &signer,
                       &g->renewal.complaint);
}

/* Addresses that belong to host names are what master told; they, and all that
 * memory and descriptors were made for at the start, don't change by a reload.
 */
static void reload_use(struct gate *g)
{
    struct settings *s = &g->renewal.settings;

    s->address = g->settings.address;
    memcpy(s->announced, g->settings.announced, sizeof(s->announced));
    s->announced_count = g->settings.announced_count;
    g->settings = *s;
    limits_change(&g->limits, s);
    g->passive.expect.wait_ms = s->connect_timeout;
}

/* Back to where the next one can begin. */
static void reload_forget(struct gate *g)
{
    struct renewal *n = &g->renewal;

    loop_timer_clear(&g->loop, &n->deadline);
    loop_change(&g->loop, &g->keys_watch, 0);
    chains_release(&n->chains);
    tls_context_free(n->trial);
    n->trial = NULL;
    n->complaint.text[0] = '\0';
    n->has_settings = false;
}

static void reload_refuse(struct gate *g)
{
    struct renewal *n = &g->renewal;

    GATE_SAY(g, not_taken, 0, .generation = n->generation,
             .why = slice_from(n->complaint.text));
    reload_forget(g);
}

static void reload_accept(struct gate *g)
{
    struct renewal *n = &g->renewal;

    gate_tell_pairs(g, n->trial);
    GATE_SAY(g, taken, 0, .generation = n->generation);
    reload_use(g);
    tls_context_free(g->tls);
    g->tls = n->trial;
    n->trial = NULL;
    gate_watch_expiry(g);
    reload_forget(g);
}

static void reload_judge(struct gate *g, int error,
                         const struct sign_result *signature);

/* The next key's proof, or the end. */
static void reload_ask(struct gate *g)
{
    struct renewal *n = &g->renewal;
    struct tls_proof proof;
    int r;

    if (!tls_context_proof(n->trial, n->proven, &proof)) {
        reload_accept(g);
        return;
    }
    r = sign_begin(&g->signer, &proof.request, &n->request);
    if (r < 0)
        reload_judge(g, r, NULL);
    else
        loop_change(&g->loop, &g->keys_watch, EPOLLIN);
}

static void reload_judge(struct gate *g, int error,
                         const struct sign_result *signature)
{
    struct renewal *n = &g->renewal;

    if (tls_context_proven(n->trial, n->proven, error, signature,
                           &n->complaint) < 0) {
        reload_refuse(g);
        return;
    }
    n->proven++;
    reload_ask(g);
}

void reload_on_signature(struct gate *g)
{
    struct sign_result signature;
    int r;

    if (!g->renewal.trial)
        return;
    r = sign_end(&g->signer, g->renewal.request, &signature);
    if (r != -EAGAIN)
        reload_judge(g, r, &signature);
}

void reload_keys_lost(struct gate *g)
{
    if (g->renewal.trial)
        reload_judge(g, -EPIPE, NULL);
}

static void on_deadline(void *owner)
{
    reload_judge(owner, -ETIMEDOUT, NULL);
}

int reload_on_take(void *owner, struct msg_take *m)
{
    struct gate *g = owner;
    struct renewal *n = &g->renewal;

    if (n->trial) {
        g->master.wrong = "a reload in the midst of another";
        return -EPROTO;
    }
    n->generation = m->generation;
    n->proven = 0;
    n->trial = make_context(g);
    if (!n->trial) {
        reload_refuse(g);
        return 0;
    }
    n->deadline = (struct loop_timer){ .on_time = on_deadline, .owner = g };
    loop_timer_set(&g->loop, &n->deadline, PROOFS_MS);
    reload_ask(g);
    return 0;
}

/* The answer may be on its way already; then it counts. */
int reload_on_give_up(void *owner, struct msg_give_up *m)
{
    struct gate *g = owner;
    struct renewal *n = &g->renewal;

    if (n->trial && n->generation == m->generation) {
        complain(&n->complaint, "given up: it took too long");
        reload_refuse(g);
    }
    return 0;
}

void reload_release(struct gate *g)
{
    reload_forget(g);
}
