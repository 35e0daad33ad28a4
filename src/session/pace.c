/* How fast a transfer must move, in session. It ends if its client doesn't
 * connect, or moves no byte, for too long. A slow client must never count as
 * one that has stopped. */
#include "transfer.h"

#include <stdio.h>

#include "control.h"
#include "leave.h"

#define RECORD_OVERHEAD 32 /* bytes that TLS adds, at most */

void pace_begin(struct session *s)
{
    struct transfer *t = &s->transfer;

    t->lately = 0;
    t->traffic = stream_traffic(s->data.stream);
    loop_timer_set(&s->loop, &t->stall, s->settings->stall_timeout);
}

/* Less than a byte a second counts as nothing: otherwise one byte a minute
 * would keep a session forever. */
static uint64_t pace_least(const struct session *s)
{
    return s->settings->stall_timeout / 1000;
}

void pace_moved(struct session *s, size_t bytes)
{
    s->transfer.bytes += bytes;
    s->transfer.lately += bytes;
    if (bytes > 0 && s->transfer.lately >= pace_least(s))
        pace_begin(s);
}

/* A slow client needs its time for one buffer, for one record, or for the
 * megabytes in the kernel's buffer. While these move, it hasn't stalled. Each
 * byte may be a record of its own. */
static bool pace_still_moves(struct session *s)
{
    uint64_t moved;
    size_t queued;

    if (!s->data.stream)
        return false;
    moved = stream_traffic(s->data.stream) - s->transfer.traffic;
    queued = stream_queued(s->data.stream);
    if (queued < s->transfer.queued)
        moved += s->transfer.queued - queued;
    s->transfer.queued = queued;
    return moved > 0 && moved >= RECORD_OVERHEAD * pace_least(s);
}

static void pace_connect_late(struct session *s)
{
    if (s->transfer.state == TRANSFER_HANDSHAKE)
        transfer_fail(s, FAILED_HANDSHAKE_LATE, "");
    else if (s->transfer.refusal)
        transfer_not_bound(s);
    else
        transfer_fail(s, FAILED_CONNECT_LATE, "");
}

/* No client and no network slow a checksum down, so progress proves nothing:
 * somebody may keep a processor busy. It has a deadline of its own. */
static void pace_hash_late(struct session *s)
{
    bool size = s->transfer.verb == VERB_SIZE;

    transfer_fail(s, size ? FAILED_SIZE_LATE : FAILED_HASH_LATE, "");
}

static void pace_on_stall(void *owner)
{
    struct session *s = owner;
    char seconds[32];

    snprintf(seconds, sizeof(seconds), "%g",
             (double)s->settings->stall_timeout / 1000);
    switch (state_of_transfer(s)->clock) {
    case CLOCK_NONE:
        return;
    case CLOCK_CONNECT:
        pace_connect_late(s);
        break;
    case CLOCK_HASH:
        pace_hash_late(s);
        break;
    case CLOCK_STALL:
        if (pace_still_moves(s)) {
            pace_begin(s);
            return;
        }
        transfer_fail(s, FAILED_STALLED, seconds);
    }
    control_resume(s);
}

void pace_init(struct session *s)
{
    s->transfer.stall =
        (struct loop_timer){ .on_time = pace_on_stall, .owner = s };
}
