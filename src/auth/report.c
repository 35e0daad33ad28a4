/* The events that auth sends to log: failed logins, and sessions that send
 * forbidden messages. */
#include "auth.h"
#include "sallyport/domain/pin.h"

static void report_begin(const struct pending *p, struct event_record *r,
                         struct slice reason)
{
    char peer[ADDRESS_TEXT_MAX];

    event_text(r, FIELD_PROCESS, slice_from(process_name(PROCESS_SESSION)));
    event_number(r, FIELD_SERIAL, p->serial);
    event_text(r, FIELD_PEER, slice_from(address_port_text(&p->peer, peer)));
    event_text(r, FIELD_REASON, reason);
    frame_report(&p->auth->frame, r);
}

void report_wrong(const struct pending *p, const char *wrong)
{
    struct event_record r;

    event_begin(&r, EVENT_PEER);
    report_begin(p, &r, slice_from(wrong));
}

static const char *const reasons[JUDGED_COUNT] = {
    [JUDGED_RIGHT] = "",
    [JUDGED_UNKNOWN] = "unknown user",
    [JUDGED_LOCKED] = "the user is locked",
    [JUDGED_PASSWORD] = "wrong password",
    [JUDGED_NO_CERTIFICATE] = "no client certificate was shown",
    [JUDGED_CERTIFICATE] = "the client certificate is not one of the user's",
    [JUDGED_NO_PROOF] = ("login=certificate needs TLS 1.3, and a handshake "
                         "of at most 9500 bytes"),
};

/* People often type their password as the name. So a name that no user can have
 * isn't logged. */
static struct slice loggable_name(struct slice name)
{
    return user_name_ok(name) ? name : SLICE("?");
}

/* The fingerprint is the first line of the claims. */
static void add_certificate(struct event_record *r, struct slice claims)
{
    struct slice line;

    if (claims.len > 0 && slice_cut(&claims, '\n', &line) &&
        line.len < PIN_TEXT_MAX)
        event_text(r, FIELD_CERTIFICATE, line);
}

void report_failed_login(const struct pending *p, const struct attempt *attempt,
                         enum judgement why)
{
    struct event_record r;

    event_begin(&r, EVENT_LOGIN_FAILED);
    event_text(&r, FIELD_USER, loggable_name(attempt->name));
    add_certificate(&r, attempt->claims);
    report_begin(p, &r, slice_from(reasons[why]));
}
