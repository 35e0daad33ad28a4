/* Decides which clients may enter. Runs in gate. A proxied connection is
 * admitted once its session reports the client's address; until then no address
 * counts it. gate reads no PROXY header itself: it believes the session about
 * what a configured proxy wrote. */
#include "admit.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "gate.h"
#include "sallyport/base/clock.h"
#include "tell.h"

/* The limits that earlier sessions of an address have reached. With crash_ban =
 * 0 an earlier ban ends at once. */
static enum limit admit_record(struct gate *g, const struct address *client)
{
    struct address prefix = limit_prefix(client);
    const struct settings *s = &g->settings;
    uint64_t now = clock_ms();
    enum limit limit = LIMIT_NONE;

    if (s->crash_ban > 0 && bans_hold(&g->memory->bans, &prefix, now))
        limit = LIMIT_BANNED;
    else if (fruitless_too_many(&g->memory->fruitless, &prefix,
                                s->max_fruitless, now))
        limit = LIMIT_FRUITLESS;
    return settings_networks_hold(&s->no_ban, client) ? LIMIT_NONE : limit;
}

/* While others wait in the queue, or master reads too slowly, a new connection
 * waits too. */
static enum limit admit_decide(struct gate *g, const struct address *client)
{
    enum limit limit = admit_record(g, client);

    if (limit == LIMIT_NONE)
        limit = limits_check_client(&g->limits, client);
    if (limit == LIMIT_NONE && (g->master_slow || !queue_is_empty(g)))
        limit = LIMIT_STARTUPS;
    return limit;
}

enum limit admit_new(struct gate *g, const struct address *peer)
{
    enum limit limit = limits_check(&g->limits);

    return limit == LIMIT_NONE && peer ? admit_decide(g, peer) : limit;
}

static int admit_keep_out(struct child *c, uint32_t request,
                          const struct address *client, enum limit limit)
{
    tell_refused(c->gate, client, &c->local, limit_reason(limit));
    return SEND(&c->channel, not_admitted, request,
                .why = slice_from(limit_words(limit)));
}

static enum limit admit_announce(struct child *c, const struct address *client)
{
    int r = SEND(&c->gate->frame.master, session_peer, 0, .serial = c->serial,
                 .peer = *client);

    return limit_of(r);
}

/* The signals that end a session when an attack on it fails. Not SIGKILL: gate
 * sends it, or the kernel if it lacks memory. */
static bool admit_is_crash(int signal)
{
    static const int crashes[] = { SIGSEGV, SIGBUS,  SIGILL,
                                   SIGFPE,  SIGABRT, SIGSYS };

    for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
        if (crashes[i] == signal)
            return true;
    return false;
}

/* A proxied session has named its client's address itself. If an attacker
 * controls it, its crash could ban any address. So it bans none. */
static void admit_ban(struct child *c, int signal)
{
    struct gate *g = c->gate;
    struct address prefix = limit_prefix(&c->peer);
    uint64_t now = clock_ms(), ms = g->settings.crash_ban;

    if (ms > 0 && !c->proxied &&
        !settings_networks_hold(&g->settings.no_ban, &c->peer) &&
        bans_add(&g->memory->bans, &prefix, now, now + ms))
        tell_ban(c, signal, ms);
}

void admit_remember(struct child *c, int status)
{
    struct gate *g = c->gate;
    struct address prefix = limit_prefix(&c->peer);

    if (!c->known)
        return;
    if (WIFSIGNALED(status) && admit_is_crash(WTERMSIG(status)))
        admit_ban(c, WTERMSIG(status));
    if (!c->logged_in)
        fruitless_add(&g->memory->fruitless, &prefix, g->settings.max_fruitless,
                      clock_ms());
}

/* Master hears of it before the session does. */
static int admit_at_once(struct child *c, uint32_t request)
{
    enum limit limit = admit_announce(c, &c->peer);

    if (limit != LIMIT_NONE)
        return admit_keep_out(c, request, &c->peer, limit);
    limits_wait(&c->gate->limits, &c->peer);
    child_waits(c);
    c->channel.phase = PHASE_RUN;
    entry_mind(c->gate);
    return 0;
}

void admit_begin(struct child *c, uint32_t request)
{
    child_answered(c, admit_at_once(c, request));
}

void admit_refuse(struct child *c, uint32_t request, enum limit limit)
{
    child_answered(c, admit_keep_out(c, request, &c->peer, limit));
}

/* From now on the session counts for its client's address. */
void admit_know(struct child *c, const struct address *client,
                const struct address *server)
{
    limits_know(&c->gate->limits, client);
    c->known = true;
    c->peer = *client;
    c->server = *server;
    entry_mind(c->gate);
}

int admit(struct child *c, uint32_t request, const struct address *client,
          const struct address *server)
{
    enum limit limit;

    if (client->family == 0 || client->family != server->family)
        return channel_refuse(&c->channel, "a client without an address");
    limit = admit_decide(c->gate, client);
    if (limit != LIMIT_NONE && limit != LIMIT_STARTUPS)
        return admit_keep_out(c, request, client, limit);
    admit_know(c, client, server);
    if (limit == LIMIT_NONE)
        return admit_at_once(c, request);
    limit = queue_add_child(c, request);
    return limit == LIMIT_NONE ? 0 : admit_keep_out(c, request, client, limit);
}
