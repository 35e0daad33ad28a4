/* Handles master's messages, in session, and its orders to end the session. */
#include "transfer.h"

#include "data.h"

/* The reply to the client for each ending. An ending without a row is a
 * kick. */
static const struct kick_row {
    enum ending ending;
    enum reply reply;
    const char *detail;
} kicks[] = {
    { ENDING_PEER, REPLY_LOST_SERVICE, "" },
    { ENDING_SHUTDOWN, REPLY_SHUTTING_DOWN, "" },
    { ENDING_REPLACED, REPLY_SHUTTING_DOWN, "" },
    { ENDING_DRAINED, REPLY_SHUTTING_DOWN, "" },
    { ENDING_REMOVED, REPLY_ACCOUNT_CLOSED, "was removed" },
    { ENDING_LOCKED, REPLY_ACCOUNT_CLOSED, "was locked" },
    { ENDING_CHANGED, REPLY_ACCOUNT_CHANGED, "" },
    { ENDING_MOVED, REPLY_PLACE_MOVED, "" },
    { ENDING_EXPIRED, REPLY_ACCOUNT_CLOSED, "has expired" },
    { ENDING_HOURS, REPLY_HOURS_OVER, "" },
    { ENDING_TOO_MANY, REPLY_NOT_ADMITTED,
      "Too many sessions of this user or team. Try again later" },
    { ENDING_LOGIN_TRIES, REPLY_TOO_MANY_TRIES, "" },
};

/* Ends the session. If `finish` is set and a transfer is under way, ends the
 * session after this transfer. */
static int master_on_kick(void *owner, struct msg_kick *m)
{
    struct session *s = owner;
    struct kick_row row = { ENDING_KICKED, REPLY_KICKED, "" };

    s->ends_after_transfer = m->finish && s->transfer.state != TRANSFER_NONE;
    if (s->ends_after_transfer)
        return 0;

    for (size_t i = 0; i < sizeof(kicks) / sizeof(kicks[0]); i++)
        if (kicks[i].ending == m->why)
            row = kicks[i];
    control_end(owner, row.ending, row.reply, slice_from(row.detail));
    return 0;
}

static const struct handler master_handlers[] = {
    ON(login_channel, login_on_channel), ON(granted, login_on_granted),
    ON(denied, login_on_denied),         ON(kick, master_on_kick),
    ON(admitted, proxied_on_admitted),   ON(password_is, login_on_password_is),
    ON(look_at, report_on_look_at),      ON(gate, data_gate_on_gate),
};

void master_on_channel(void *owner, uint32_t events)
{
    struct session *s = owner;
    int r = DISPATCH_ONE(&s->master, master_handlers, s);

    (void)events;
    if (r < 0)
        leave_peer(s, r, &s->master);
    control_after_event(s);
}
