/* Who may enter. In gate. Of who came by a proxy it is decided once his address
 * is known, and the count moves from nobody to the client; gate reads no header
 * itself, it has the word of a session on what a configured proxy wrote. */
#include "admit.h"

#include <errno.h>

#include "gate.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/secret.h"
#include "tell.h"

static unsigned throw_dice(void)
{
    uint32_t dice;

    random_bytes(&dice, sizeof(dice));
    return dice % 100;
}

static bool had_too_many(const struct gate *g, const struct address *client)
{
    struct address prefix = limit_prefix(client);

    return fruitless_too_many(&g->fruitless, &prefix, g->settings.max_fruitless,
                              clock_ms()) &&
           !networks_hold(&g->settings.no_ban, client);
}

static enum limit decide(struct gate *g, const struct address *client)
{
    enum limit limit;

    if (had_too_many(g, client))
        return LIMIT_FRUITLESS;
    limit = limits_check_client(&g->limits, client, throw_dice());
    if (limit == LIMIT_NONE && limits_full(&g->limits))
        children_make_room(g);
    return limit;
}

enum limit admit_new(struct gate *g, const struct address *peer)
{
    enum limit limit = limits_check(&g->limits, NULL, 0);

    return limit == LIMIT_NONE && peer ? decide(g, peer) : limit;
}

static int keep_out(struct child *c, uint32_t request,
                    const struct address *client, enum limit limit)
{
    struct slice words = slice_from(limit_words(limit));
    struct packet p = { .message = MSG_KEPT_OUT,
                        .request = request,
                        .value = { TEXT(words) } };

    tell_refused(c->gate, client, &c->local, limit_reason(limit));
    return channel_send(&c->channel, &p);
}

static enum limit announce(struct child *c, const struct address *client)
{
    struct packet p = { .message = MSG_SESSION_PEER,
                        .value = { NUMBER(c->serial), ADDRESS(*client) } };

    return channel_send(&c->gate->master, &p) < 0 ? LIMIT_RESOURCES
                                                  : LIMIT_NONE;
}

int admit(struct child *c, uint32_t request, const struct address *client,
          const struct address *server)
{
    enum limit limit;

    if (client->family == 0 || client->family != server->family) {
        c->channel.wrong = "a client without an address";
        return -EPROTO;
    }
    limit = decide(c->gate, client);
    if (limit == LIMIT_NONE)
        limit = announce(c, client);
    if (limit != LIMIT_NONE)
        return keep_out(c, request, client, limit);
    limits_know(&c->gate->limits, client);
    c->known = true;
    c->peer = *client;
    child_waits(c);
    entry_mind_unknown(c->gate);
    c->server = *server;
    c->channel.phase = PHASE_RUN;
    return 0;
}
