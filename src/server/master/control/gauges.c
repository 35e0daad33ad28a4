/* The metrics: the gauges, which only master knows, and the counters, which log
 * adds up. */
#include "control.h"

#include <time.h>

#include "logins/logins.h"

struct metrics_totals gauges_total(const struct master *m)
{
    struct metrics_totals t = { 0 };

    if (m->metrics)
        metrics_total(m->metrics, &t);
    return t;
}

void gauges_show(struct peer *p, uint64_t place)
{
    struct master *m = p->master;
    const struct slice all = { (const char *)m->metrics, sizeof(*m->metrics) };
    const size_t in = sessions_logged_in(m->sessions);
    uint64_t verified = 0, waiting = 0, expires = 0;

    (void)place;
    CHILDREN_EACH(m, c)
        verified += c->verification.serial != 0;
    SESSIONS_EACH(m->sessions, s)
        waiting += s->state == SESSION_WAITING || s->state == SESSION_QUEUED;
    for (size_t i = 0; i < m->certificates->count; i++) {
        const uint64_t one =
            (uint64_t)m->certificates->file[SETUP_CERTIFICATE + i].expires;

        if (one > 0 && (expires == 0 || one < expires))
            expires = one;
    }
    const uint64_t values[GAUGE_COUNT] = {
        [GAUGE_LOGGED_IN] = in,
        [GAUGE_GREETED] = m->sessions->living - in,
        [GAUGE_MAX_SESSIONS] = m->settings.max_sessions,
        [GAUGE_USERS] = m->users->users.count,
        [GAUGE_REFUSED] = m->users->refused.text[0] != '\0',
        [GAUGE_VERIFIED] = verified,
        [GAUGE_WAITING] = waiting,
        [GAUGE_BANS] = bans_count(m->banning->table, time(NULL)),
        [GAUGE_CERTIFICATE] = expires,
        [GAUGE_SINCE] = (uint64_t)m->since,
    };
    for (int i = 0; i < GAUGE_COUNT; i++)
        metrics_gauge(m->metrics, (enum gauge)i, values[i]);
    peer_answered(p,
                  SEND(&p->channel, metrics_are, p->request, .metrics = all));
}
