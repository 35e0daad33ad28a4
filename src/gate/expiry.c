/* Logs the certificates and revocation lists that expire soon, and the
 * certificates that are sent without their OCSP response: at the start, each
 * day, and when a list or a response expires. Runs in gate, which has the TLS
 * context. */
#include <time.h>

#include "gate.h"
#include "sallyport/tls/client.h"
#include "sallyport/tls/context.h"
#include "tell.h"

#define WARN_DAYS 30
#define DAY_S     86400

static const char *const things[] = {
    [false] = "certificate",
    [true] = "revocation list",
};
#define WITHOUT                                                                \
    "without a valid one nobody gets in with a certificate of that CA"

static void expiry_on_time(void *owner)
{
    gate_watch_expiry(owner);
}

static void look_at_expiry(struct gate *g, const struct tls_pair_facts *f,
                           int64_t now)
{
    int64_t days = (f->expires - now) / DAY_S;

    if (f->expires <= now)
        tell_service(g, "%s: has expired; renew it, and reload", f->name);
    else if (days == 0)
        tell_service(g, "%s: expires within a day", f->name);
    else if (days < WARN_DAYS)
        tell_service(g, "%s: expires in %lld days", f->name, (long long)days);
}

static void look_at_staple(struct gate *g, const struct tls_pair_facts *f,
                           int64_t now)
{
    static const char asked[] =
        ", though it says that clients shall insist on one (must-staple)";
    const char *more = f->wants_staple ? asked : "";

    if (f->staple_until > now)
        return;
    if (f->unstapled)
        tell_service(g, "%s; the certificate in %s goes out without it%s",
                     f->unstapled, f->name, more);
    else if (f->staple_until > 0)
        tell_service(g,
                     "%s: its OCSP response is over, and isn't sent any "
                     "more%s; fetch a new one, and reload",
                     f->name, more);
    else if (f->wants_staple)
        tell_service(g, "%s: goes out without an OCSP response%s", f->name,
                     asked);
}

static void look_at_clients(struct gate *g, const struct tls_clients_date *f,
                            int64_t now)
{
    const char *thing = things[f->lists];
    long long hours = (f->expires - now) / 3600;

    if (f->expires <= now)
        tell_service(g, "%s: %s %d has expired; " WITHOUT, f->name, thing,
                     f->number);
    else if (f->warn <= now && hours < 48)
        tell_service(g, "%s: %s %d expires in %lld hours; " WITHOUT, f->name,
                     thing, f->number, hours);
    else if (f->warn <= now)
        tell_service(g, "%s: %s %d expires in %lld days; " WITHOUT, f->name,
                     thing, f->number, hours / 24);
}

/* Returns the smaller of NEXT and the seconds until THEN. */
static int64_t sooner(int64_t next, int64_t then, int64_t now)
{
    return then > now && then - now < next ? then - now : next;
}

static int64_t watch_clients(struct gate *g, int64_t now, int64_t next)
{
    struct tls_clients_date f;

    for (size_t i = 0; g->tls && tls_context_clients_date(g->tls, i, &f); i++) {
        look_at_clients(g, &f, now);
        next = sooner(sooner(next, f.warn, now), f.expires, now);
    }
    return next;
}

void gate_watch_expiry(struct gate *g)
{
    const int64_t now = time(NULL);
    int64_t next = watch_clients(g, now, DAY_S);
    struct tls_pair_facts f;

    for (size_t i = 0; g->tls && tls_context_pair(g->tls, i, &f); i++) {
        look_at_expiry(g, &f, now);
        look_at_staple(g, &f, now);
        next = sooner(sooner(next, f.staple_until, now), f.expires, now);
    }
    g->expiry.on_time = expiry_on_time;
    g->expiry.owner = g;
    loop_timer_set(&g->frame.loop, &g->expiry, (uint64_t)next * 1000);
}

void gate_tell_pairs(struct gate *g)
{
    struct tls_pair_facts f;

    for (size_t i = 0; g->tls && tls_context_pair(g->tls, i, &f); i++)
        GATE_SAY(g, pair_is, 0, .number = f.number, .expires = f.expires,
                 .staple_until = f.staple_until);
}
