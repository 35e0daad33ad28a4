/* Which user a data connection belongs to: it must resume a TLS session of that
 * user. In session, after the handshake and before a byte of a file has moved.
 * A client that has proved nothing gets no ticket, or it could use that ticket
 * next time. */
#include "binding.h"

#include <errno.h>

#include "sallyport/tls/client.h"
#include "sallyport/tls/context.h"

/* With the 230: two tickets, since many clients use each ticket once. One is
 * for a listing, the other is spare. */
#define FIRST_TICKETS 2

static const struct binding_refusal none = { REPLY_NOT_RESUMED,
                                             "TLS session not resumed" };
static const struct binding_refusal other = {
    REPLY_NOT_THIS_SESSION, "TLS session of another control connection resumed"
};
static const struct binding_refusal foreign = {
    REPLY_NOT_OWN_TICKET,
    "TLS ticket of another user or address, or of a changed account"
};

static const struct binding_refusal other_client = {
    REPLY_OTHER_CERTIFICATE, "not the control connection's client certificate"
};

/* NULL: it may transfer. */
static const struct binding_refusal
    *const refusals[BINDING_COUNT][ORIGIN_COUNT] = {
        [BINDING_USER] = { [ORIGIN_NONE] = &none, [ORIGIN_FOREIGN] = &foreign },
        [BINDING_SESSION] = { [ORIGIN_NONE] = &none,
                              [ORIGIN_FOREIGN] = &foreign,
                              [ORIGIN_USER] = &other },
        [BINDING_ADDRESS] = { [ORIGIN_FOREIGN] = &foreign },
    };

int binding_start(struct session *s)
{
    struct ticket_owner owner = { .address = s->peer,
                                  .serial = s->serial,
                                  .version = s->login.version };

    if (slice_copy(slice_from(s->login.user), owner.user, sizeof(owner.user)) <
        0)
        return -EINVAL;
    tls_context_owner(s->tls, &owner);
    for (int i = 0; i < FIRST_TICKETS; i++)
        binding_offer(s);
    return 0;
}

/* If this fails, the next reply fails too, and is reported then. */
void binding_offer(struct session *s)
{
    stream_offer_ticket(s->control.stream);
}

const struct binding_refusal *binding_judge(const struct session *s)
{
    const struct binding_refusal *r =
        refusals[s->login.binding][stream_origin(s->data.stream)];

    if (!r && !stream_same_client(s->data.stream))
        r = &other_client;
    return r;
}

void binding_renew(struct session *s)
{
    if (stream_origin(s->data.stream) >= ORIGIN_USER)
        stream_offer_ticket(s->data.stream);
}
