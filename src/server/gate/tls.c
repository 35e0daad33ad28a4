/* Gate's work for TLS after its start.
 *
 * Gate makes the keys that seal the tickets of TLS 1.3, and a new key after
 * each lifetime of a ticket. So a ticket is valid only while its key is one of
 * the newest two. The keys are in the memory that gates share (memory.h), so a
 * client's tickets outlive a reload and a crash. A session gets the keys when
 * its user has logged in, and then each new pair.
 *
 * Gate logs the certificates and revocation lists that expire soon: at the
 * start, each day, and when one expires. */
#include "gate.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "sallyport/base/clock.h"
#include "sallyport/tls/context.h"

static void tickets_on_timer(void *owner)
{
    struct gate *g = owner;
    struct ticket_memory *m = &g->memory->tickets;
    const struct gate_children *t = &g->children;
    uint64_t now = clock_ms(), left = g->settings.ticket_lifetime, turn;

    if (board_accepts(g->board, g->row->generation))
        left = tickets_renew(m, left, now);
    turn = tickets_turn(m);
    if (turn != g->tickets.turn)
        for (size_t i = 0; i < t->size; i++)
            if (t->slot[i].gate && t->slot[i].channel.fd >= 0 &&
                !t->slot[i].why)
                tickets_send(&t->slot[i]);
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

#define DAY_S 86400

static void look_at_date(struct gate *g, const struct tls_date *d, int64_t now)
{
    long long hours = (d->expires - now) / 3600, days = hours / 24;

    if (d->expires <= now)
        report_service(g,
                       "warning: %s: %s %d has expired; renew it, and reload",
                       d->file, d->what, d->number);
    else if (d->begins > now)
        report_service(g,
                       "warning: %s: %s %d is not valid yet; is this machine's "
                       "clock right?",
                       d->file, d->what, d->number);
    else if (d->warn <= now && days < 2)
        report_service(g, "%s: %s %d expires in %lld h; renew it, and reload",
                       d->file, d->what, d->number, hours);
    else if (d->warn <= now)
        report_service(g, "%s: %s %d expires in %lld days", d->file, d->what,
                       d->number, days);
}

void expiry_watch(void *gate)
{
    struct gate *g = gate;
    const int64_t now = time(NULL);
    int64_t next = DAY_S;
    struct tls_pair_facts f;
    struct tls_date d;

    for (size_t i = 0; tls_context_date(g->tls, i, &d); i++) {
        look_at_date(g, &d, now);
        if (d.warn > now && d.warn - now < next)
            next = d.warn - now;
        if (d.expires > now && d.expires - now < next)
            next = d.expires - now;
    }
    for (size_t i = 0; tls_context_pair(g->tls, i, &f); i++)
        if (f.unused)
            report_service(g,
                           "warning: %s: no client gets it, since an earlier "
                           "certificate is for the same names, with the same "
                           "kind of key",
                           f.name);
    g->expiry.on_timer = expiry_watch;
    g->expiry.owner = g;
    loop_timer_set(&g->frame.loop, &g->expiry, (uint64_t)next * 1000);
}
