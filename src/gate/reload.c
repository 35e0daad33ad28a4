/* A reload, in gate: new settings and certificates are gathered, tried, and
 * taken as a whole or not at all. Sessions that were forked before keep what
 * they have. The context is made behind the cage: it needs memory, and keys. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sysexits.h>

#include "gate.h"
#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"
#include "sallyport/tls/context.h"

#define SIGN_MS  2000 /* keys is there; gate does nothing else meanwhile */
#define REPLY_MS 5000

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

int reload_on_conf(void *owner, struct packet *p)
{
    struct renewal *n = &((struct gate *)owner)->renewal;

    n->has_settings = gate_settings(&n->settings, p->fd[0], &n->complaint) == 0;
    return 0;
}

int reload_on_certificate(void *owner, struct packet *p)
{
    struct renewal *n = &((struct gate *)owner)->renewal;

    if (!n->complaint.text[0])
        chains_add(&n->chains, p, &n->complaint);
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
    g->signer.ms = SIGN_MS;
    return chains_context(&g->renewal.chains, &signer, &g->renewal.complaint);
}

/* Master counts by this answer who has which certificates: no session may be
 * announced before it, so gate waits where it must. */
static void answer(struct gate *g, const struct packet *p)
{
    struct pollfd one = { .fd = g->master.fd, .events = POLLOUT };
    int r = channel_send(&g->master, p);

    if (r == -EAGAIN && poll(&one, 1, REPLY_MS) == 1)
        r = channel_send(&g->master, p);
    if (r < 0)
        die(EX_OSERR, "master doesn't read what became of a reload");
}

/* Addresses that belong to host names are what master told; they, and all that
 * memory and descriptors were made for at the start, don't change by a reload.
 */
static void use_settings(struct gate *g)
{
    struct settings *s = &g->renewal.settings;

    s->address = g->settings.address;
    memcpy(s->told, g->settings.told, sizeof(s->told));
    s->told_count = g->settings.told_count;
    g->settings = *s;
    limits_change(&g->limits, s);
    g->passive.expect.wait_ms = s->connect_timeout;
}

int reload_on_take(void *owner, struct packet *p)
{
    struct gate *g = owner;
    struct renewal *n = &g->renewal;
    struct tls_context *t = make_context(g);
    struct packet out = { .message = t ? MSG_TAKEN : MSG_NOT_TAKEN,
                          .value = { NUMBER(p->value[0].number) } };

    out.value[1].text = slice_from(n->complaint.text);
    answer(g, &out);
    if (t) {
        use_settings(g);
        tls_context_free(g->tls);
        g->tls = t;
        gate_watch_expiry(g);
    }
    chains_release(&n->chains);
    n->complaint.text[0] = '\0';
    n->has_settings = false;
    return 0;
}
