/* Keeps the rates of the session's own uploads and downloads, in bytes of files
 * per second; in session. Moved bytes put the session's clock, `paid`, ahead by
 * the time that they take at the rate. Once the clock is a round ahead of the
 * present time, the transfer waits until the clock is due. */
#include "transfer.h"

#include "sallyport/base/clock.h"

#define SECOND_US UINT64_C(1000000)
#define ROUND_US  UINT64_C(50000)
/* A busy machine can wake the session late: bytes unused for at most this time
 * aren't lost. */
#define SLACK_US 100000
/* Least bytes between two waits: each wait costs a TLS record. */
#define LEAST 512

static uint64_t rate_now(const struct session *s)
{
    return transfer_is_upload(&s->transfer) ? s->login.up : s->login.down;
}

void rate_on_timer(void *owner)
{
    struct session *s = owner;

    if (!s->transfer.stall
             .armed) /* it already runs if the client is slow, too */
        stall_begin(s);
    transfer_run(s, WAITS_TURN);
    control_after_event(s);
}

bool rate_waits(struct session *s)
{
    struct rate *r = &s->rate;
    const uint64_t now = clock_us();

    if (rate_now(s) == 0 || r->timer.armed)
        return r->timer.armed;
    if (r->paid + SLACK_US < now)
        r->paid = now - SLACK_US;
    if (r->paid < now + ROUND_US)
        return false;
    loop_timer_set(&s->loop, &r->timer, (r->paid - now) / 1000 + 1);
    return true;
}

size_t rate_cap(const struct session *s, size_t len)
{
    const uint64_t most = rate_now(s) / (SECOND_US / ROUND_US);

    if (rate_now(s) == 0 || most >= len)
        return len;
    return most > LEAST ? (size_t)most : len < LEAST ? len : LEAST;
}

void rate_spend(struct session *s, size_t bytes)
{
    if (rate_now(s) > 0 && !transfer_is_listing(&s->transfer))
        s->rate.paid += bytes * SECOND_US / rate_now(s);
}
