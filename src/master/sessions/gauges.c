/* The metrics in master: the gauges, which only master knows, and the sums of
 * the counters. */
#include <errno.h>
#include <sys/mman.h>

#include "sessions.h"

int gauges_init(struct master *m)
{
    return m->metrics_memory < 0 ? 0
                                 : metrics_map(&m->metrics, m->metrics_memory,
                                               PROT_READ | PROT_WRITE);
}

void gauges_release(struct master *m)
{
    if (m->metrics)
        munmap(m->metrics, sizeof(*m->metrics));
    m->metrics = NULL;
}

struct metrics_totals gauges_total(const struct master *m)
{
    struct metrics_totals t = { 0 };

    if (m->metrics)
        metrics_total(m->metrics, &t);
    return t;
}

static uint64_t count_verified(const struct master *m)
{
    uint64_t n = 0;

    CHILDREN_EACH(m, c)
        n += c->verifications;
    return n;
}

static uint64_t count_waiting(const struct master *m)
{
    uint64_t n = 0;

    SESSIONS_EACH(m->sessions, s)
        n += s->state == SESSION_WAITING;
    return n;
}

static uint64_t first_expiry(const struct master *m)
{
    uint64_t first = 0;

    for (size_t i = 0; i < m->certificates->count; i++) {
        uint64_t one = m->certificates->pair[i].expires;

        if (one > 0 && (first == 0 || one < first))
            first = one;
    }
    return first;
}

void gauges_write(struct master *m)
{
    size_t in = sessions_logged_in(m->sessions);
    const uint64_t values[GAUGES_OF_MASTER] = {
        [GAUGE_LOGGED_IN] = in,
        [GAUGE_GREETED] = m->sessions->living - in,
        [GAUGE_MAX_SESSIONS] = m->settings.max_sessions,
        [GAUGE_USERS] = m->users->users.count,
        [GAUGE_REFUSED] = m->users->reported.text[0] != '\0',
        [GAUGE_VERIFIED] = count_verified(m),
        [GAUGE_WAITING] = count_waiting(m),
        [GAUGE_BANS] = bans_count(m->banning->table, time(NULL)),
        [GAUGE_CERTIFICATE] = first_expiry(m),
        [GAUGE_SINCE] = (uint64_t)m->since,
    };

    for (int g = 0; g < GAUGES_OF_MASTER; g++)
        metrics_gauge(m->metrics, (enum gauge)g, values[g]);
}
