/* The events that gate sends to log. Gate never waits. While log is behind,
 * gate only counts refusals. */
#include "gate.h"

#include <stdarg.h>
#include <stdio.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/random.h"

#define SILENCE_MS 1000

/* Two prefixes in the same slot share the slot's one event a second; gate only
 * counts further events. So an attacker can't cause more lines than the bound,
 * whatever addresses he chooses. */

void throttle_init(struct throttle *t)
{
    *t = (struct throttle){ 0 };
    random_bytes(t->key, sizeof(t->key));
}

bool throttle_pass(struct throttle *t, const struct address *prefix,
                   uint64_t now, uint64_t *silenced)
{
    uint64_t *slot =
        &t->slot[network_hash(t->key, 0, prefix, 128) % THROTTLE_SLOTS];

    if (debt_take(slot, SILENCE_MS, SILENCE_MS, now) > 0) {
        t->silenced++;
        return false;
    }
    *silenced = t->silenced;
    t->silenced = 0;
    return true;
}

uint64_t throttle_tally(struct throttle *t)
{
    uint64_t n = t->silenced;

    t->silenced = 0;
    return n;
}

#define TALLY_MS 2000

void report_on_tally(void *owner)
{
    struct gate *g = owner;
    struct event_record r;
    uint64_t silenced;

    if (g->frame.log.full) {
        loop_timer_set(&g->frame.loop, &g->tally, TALLY_MS);
        return;
    }
    silenced = throttle_tally(&g->refusals);
    if (silenced == 0)
        return;
    event_begin(&r, EVENT_REFUSED);
    event_text(&r, FIELD_REASON, SLICE("more of them"));
    event_number(&r, FIELD_NUMBER, silenced);
    frame_report(&g->frame, &r);
}

void report_refused(struct gate *g, const struct address *peer,
                    const struct address *local, const char *reason)
{
    char peer_text[ADDRESS_TEXT_MAX], local_text[ADDRESS_TEXT_MAX];
    struct address prefix = address_client_prefix(peer);
    struct event_record r;
    uint64_t silenced;

    /* The next event has the number of suppressed events. If no event follows,
     * a separate event reports the number. */
    if (g->frame.log.full)
        g->refusals.silenced++;
    if (g->frame.log.full ||
        !throttle_pass(&g->refusals, &prefix, clock_ms(), &silenced)) {
        g->tally.on_timer = report_on_tally;
        g->tally.owner = g;
        if (!g->tally.armed)
            loop_timer_set(&g->frame.loop, &g->tally, TALLY_MS);
        return;
    }
    event_begin(&r, EVENT_REFUSED);
    event_text(&r, FIELD_PEER, slice_from(address_port_text(peer, peer_text)));
    event_text(&r, FIELD_LOCAL,
               slice_from(address_port_text(local, local_text)));
    event_text(&r, FIELD_REASON, slice_from(reason));
    if (silenced > 0)
        event_number(&r, FIELD_NUMBER, silenced);
    frame_report(&g->frame, &r);
}

void report_service(struct gate *g, const char *format, ...)
{
    char reason[COMPLAINT_MAX];
    struct event_record r;
    va_list args;

    va_start(args, format);
    vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    event_begin(&r, EVENT_TROUBLE);
    event_text(&r, FIELD_PROCESS, slice_from(process_name(PROCESS_GATE)));
    event_text(&r, FIELD_REASON, slice_from(reason));
    frame_report(&g->frame, &r);
}
