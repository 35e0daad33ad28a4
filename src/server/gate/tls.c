/* What gate does about TLS while it works.
 *
 * It makes the keys that seal the tickets of TLS 1.3, and a new one after each
 * lifetime of a ticket. So a ticket is valid only while its key is one of the
 * newest two. The keys are in the memory that gates share (memory.h): so a
 * client's tickets outlive a reload and a crash. A session gets them when its
 * user has logged in, and then each later pair.
 *
 * It logs the certificates and revocation lists that expire soon, and the
 * certificates that are sent without their OCSP response: at the start, each
 * day, and when a list or a response expires. */
#include "gate.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "sallyport/base/clock.h"
#include "sallyport/tls/context.h"

static struct slice tickets_bytes(const struct ticket_key *k)
{
    return (struct slice){ (const char *)k, sizeof(*k) };
}

/* A session without keys gets them after the next look. */
void tickets_send(struct gate_child *c)
{
    struct ticket_keys k;
    int r = 0;

    if (c->logged_in && tickets_read(&c->gate->memory->tickets, &k))
        r = SEND(&c->channel, ticket_keys, 0, .now = tickets_bytes(&k.now),
                 .before = tickets_bytes(&k.before));
    ticket_keys_wipe(&k);
    if (r == -EAGAIN)
        child_wrong(c, "keys that it doesn't read");
}

static void tickets_on_timer(void *owner)
{
    struct gate *g = owner;
    struct ticket_memory *m = &g->memory->tickets;
    uint64_t now = clock_ms(), left = g->settings.ticket_lifetime, turn;

    if (board_accepts(g->board, g->row->generation))
        left = tickets_renew(m, left, now);
    turn = tickets_turn(m);
    if (turn != g->tickets.turn)
        children_each(g, tickets_send);
    g->tickets.turn = turn;
    loop_timer_set(&g->frame.loop, &g->tickets.timer,
                   left < TICKETS_LOOK_MS ? left : TICKETS_LOOK_MS);
}

void tickets_begin(struct gate *g)
{
    g->tickets = (struct tickets){ .timer = { .on_timer = tickets_on_timer,
                                              .owner = g } };
    tickets_on_timer(g);
}

#define WARN_DAYS 30
#define DAY_S     86400

static const char *const things[] = {
    [false] = "certificate",
    [true] = "revocation list",
};
#define WITHOUT                                                                \
    "without a valid one nobody gets in with a certificate of that CA"

static void expiry_on_timer(void *owner)
{
    expiry_watch(owner);
}

static void look_at_expiry(struct gate *g, const struct tls_pair_facts *f,
                           int64_t now)
{
    int64_t days = (f->expires - now) / DAY_S;

    if (f->expires <= now)
        report_service(g,
                       "warning: %s: has expired, and most clients refuse it; "
                       "renew it, and reload",
                       f->name);
    else if (f->begins > now)
        report_service(g,
                       "warning: %s: is not valid yet, and most clients refuse "
                       "it; is this machine's clock right?",
                       f->name);
    else if (days == 0)
        report_service(g, "%s: expires within a day", f->name);
    else if (days < WARN_DAYS)
        report_service(g, "%s: expires in %lld day%s", f->name, (long long)days,
                       days == 1 ? "" : "s");
}

static void look_at_use(struct gate *g, const struct tls_pair_facts *f)
{
    if (f->unused)
        report_service(g,
                       "warning: %s: no client gets it, since an earlier "
                       "certificate is for the same names, with the same kind "
                       "of key",
                       f->name);
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
        report_service(g, "%s; the certificate in %s goes out without it%s",
                       f->unstapled, f->name, more);
    else if (f->staple_until > 0)
        report_service(g,
                       "%s: its OCSP response is over, and isn't sent any "
                       "more%s; fetch a new one, and reload",
                       f->name, more);
    else if (f->wants_staple)
        report_service(g, "%s: goes out without an OCSP response%s", f->name,
                       asked);
}

static void look_at_clients(struct gate *g, const struct tls_clients_date *f,
                            int64_t now)
{
    const char *thing = things[f->lists];
    long long hours = (f->expires - now) / 3600;

    if (f->expires <= now)
        report_service(g, "%s: %s %d has expired; " WITHOUT, f->name, thing,
                       f->number);
    else if (f->warn <= now && hours < 48)
        report_service(g, "%s: %s %d expires in %lld hour%s; " WITHOUT, f->name,
                       thing, f->number, hours, hours == 1 ? "" : "s");
    else if (f->warn <= now)
        report_service(g, "%s: %s %d expires in %lld days; " WITHOUT, f->name,
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

void expiry_watch(struct gate *g)
{
    const int64_t now = time(NULL);
    int64_t next = watch_clients(g, now, DAY_S);
    struct tls_pair_facts f;

    for (size_t i = 0; g->tls && tls_context_pair(g->tls, i, &f); i++) {
        look_at_expiry(g, &f, now);
        look_at_use(g, &f);
        look_at_staple(g, &f, now);
        next = sooner(sooner(next, f.staple_until, now), f.expires, now);
    }
    g->expiry.on_timer = expiry_on_timer;
    g->expiry.owner = g;
    loop_timer_set(&g->frame.loop, &g->expiry, (uint64_t)next * 1000);
}
