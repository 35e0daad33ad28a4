/* How fast a transfer must move, in session: who doesn't come, or stands still,
 * is given up when his time is over. Must never take a slow client for one that
 * stands still. */
#include "pace.h"

#include <stdio.h>

#include "leave.h"
#include "transfer.h"

#define RECORD_OVERHEAD 32 /* of TLS, at most */

void pace_begin(struct session *s)
{
    struct transfer *t = &s->transfer;

    t->lately = 0;
    t->traffic = stream_traffic(s->data.stream);
    loop_timer_set(&s->loop, &t->stall, s->settings->stall_timeout);
}

/* Less than a byte a second is as good as none: else a byte a minute would keep
 * a session for ever. */
static uint64_t least(const struct session *s)
{
    return s->settings->stall_timeout / 1000;
}

void transfer_moved(struct session *s, size_t bytes)
{
    s->transfer.bytes += bytes;
    s->transfer.lately += bytes;
    if (bytes > 0 && s->transfer.lately >= least(s))
        pace_begin(s);
}

/* A slow client takes its time for one buffer, for one record, or for the
 * megabytes that the kernel holds for it: as long as they move it isn't
 * stalled. Each byte may be a record of its own. */
static bool still_moves(struct session *s)
{
    uint64_t moved;
    size_t queued;

    if (!s->data.stream || s->transfer.state < TRANSFER_FLOWING)
        return false;
    moved = stream_traffic(s->data.stream) - s->transfer.traffic;
    queued = stream_queued(s->data.stream);
    if (queued < s->transfer.queued)
        moved += s->transfer.queued - queued;
    s->transfer.queued = queued;
    return moved > 0 && moved >= RECORD_OVERHEAD * least(s);
}

static void on_stall(void *owner)
{
    struct session *s = owner;
    bool connecting = s->transfer.state <= TRANSFER_HANDSHAKE;
    uint64_t ms =
        connecting ? s->settings->connect_timeout : s->settings->stall_timeout;
    char seconds[32];

    snprintf(seconds, sizeof(seconds), "%llu", (unsigned long long)ms / 1000);
    if (s->transfer.state == TRANSFER_COMMITTING)
        return; /* the ask has its own deadline */
    if (s->transfer.state == TRANSFER_HASHING) {
        hash_late(s);
        return;
    }
    if (still_moves(s)) {
        pace_begin(s);
        return;
    }
    if (s->transfer.state == TRANSFER_HANDSHAKE)
        transfer_fail(s, REPLY_DATA_TLS_FAILED, SLICE("no handshake in time"),
                      "no TLS handshake in time");
    else if (connecting && s->transfer.refusal)
        transfer_not_bound(s, s->transfer.refusal);
    else if (connecting)
        transfer_fail(s, REPLY_NO_DATA, SLICE("nobody connected in time"),
                      "no data connection in time");
    else
        transfer_fail(s, REPLY_STALLED, slice_from(seconds), "stalled");
    session_continue(s);
}

void pace_init(struct session *s)
{
    s->transfer.stall = (struct loop_timer){ .on_time = on_stall, .owner = s };
}
