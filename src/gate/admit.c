/* Who came by a proxy, once his address is known: the limits that hold for an
 * address are decided here, and its count moves from nobody to the client. In
 * gate, which reads no header itself: it has the word of a session on what a
 * configured proxy wrote. */
#include "admit.h"

#include <errno.h>

#include "gate.h"
#include "tell.h"

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
    limit = limits_check_client(&c->gate->limits, client);
    if (limit == LIMIT_NONE)
        limit = announce(c, client);
    if (limit != LIMIT_NONE)
        return keep_out(c, request, client, limit);
    limits_know(&c->gate->limits, client);
    c->known = true;
    c->peer = *client;
    c->server = *server;
    c->channel.phase = PHASE_RUN;
    return 0;
}
