/* Certificates that expire soon: a line in the log at the start, at a reload,
 * and each day. Runs in gate, which has them. */
#include "gate.h"
#include "sallyport/tls/context.h"
#include "tell.h"

#define WARN_DAYS 30
#define DAY_MS    (UINT64_C(24) * 3600 * 1000)

static void on_time(void *owner)
{
    gate_watch_expiry(owner);
}

void gate_watch_expiry(struct gate *g)
{
    const char *name;
    long days;

    for (size_t i = 0;
         g->tls && (days = tls_context_days(g->tls, i, &name)) >= 0; i++)
        if (days < WARN_DAYS)
            tell_expiry(g, name, days);
    g->expiry.on_time = on_time;
    g->expiry.owner = g;
    loop_timer_set(&g->loop, &g->expiry, DAY_MS);
}
