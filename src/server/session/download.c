/* RETR, in session. Each block is read by pread(2) and sent as TLS records. If
 * another process cuts the file short, the transfer fails; a mapping of the
 * file would give zeros or SIGBUS instead, and costs as much processor time. */
#include "transfer.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "sallyport/base/clock.h"

#define RECORD (16u << 10) /* the most bytes of a TLS record */
#define BLOCK  (64u << 10)

/* Reads the next block of the file, if all bytes of the last one are sent. */
static enum stepped download_fill_block(struct session *s)
{
    struct transfer *t = &s->transfer;
    uint64_t left = t->size - t->offset;
    size_t len = left < BLOCK ? (size_t)left : BLOCK;
    ssize_t n;

    if (t->block_at < t->block_len)
        return STEP_NEXT;
    if (!t->block)
        t->block = malloc(len);
    if (!t->block)
        return transfer_fail(s, FAILED_MEMORY, "");
    do {
        n = pread(t->source, t->block, len, (off_t)t->offset);
    } while (n < 0 && errno == EINTR);
    if (n <= 0)
        return transfer_fail(s, n < 0 ? FAILED_READ : FAILED_FILE_CUT, "");
    t->block_at = 0;
    t->block_len = (size_t)n;
    return STEP_NEXT;
}

/* Sends the block, a record at a time. */
static enum stepped download_send_block(struct session *s)
{
    struct transfer *t = &s->transfer;
    size_t len = rate_cap(s, t->block_len - t->block_at), took, all = 0;
    enum stream_state state;

    do {
        state = flow_write(s, t->block + t->block_at,
                           len - all < RECORD ? len - all : RECORD, &took);
        all += took;
        t->block_at += took;
    } while (state == STREAM_OK && all < len && !t->conversions);
    t->offset += all;
    stall_moved(s, all);
    return transfer_moved(s, state);
}

static enum stepped download_take_file(struct session *s)
{
    struct transfer *t = &s->transfer;

    transfer_take_file(s);
    if (t->end > 0) { /* RANG: ends at the file's end at the latest */
        if (t->size > t->end)
            t->size = t->end;
        if (t->start > t->size)
            t->start = t->offset = t->size;
        t->promised = t->size - t->start;
    } else if (flow_keeps_lengths(s)) {
        t->promised = t->size;
    }
    return STEP_NEXT;
}

static enum stepped download_send(struct session *s)
{
    const struct transfer *t = &s->transfer;

    for (uint64_t began = clock_ms(); clock_ms() - began < TRANSFER_TURN_MS;) {
        enum stepped r;

        if (t->offset >= t->size)
            return STEP_NEXT;
        if (rate_waits(s)) {
            /* Sends all bytes that the rate permits, before it waits. */
            enum stream_state state = flow_flush(s);

            return state == STREAM_OK ? transfer_pause(s)
                                      : transfer_moved(s, state);
        }
        r = download_fill_block(s);
        if (r == STEP_NEXT && clock_ms() - began >= TRANSFER_TURN_MS)
            break; /* the disk was slow; master may have ended the session */
        if (r == STEP_NEXT)
            r = download_send_block(s);
        if (r != STEP_NEXT)
            return r;
    }
    return transfer_soon(s);
}

const struct step download_steps[] = {
    { "ask for the file", transfer_ask_file, 0, TRANSFER_ASKED, UNDO_NOTHING },
    { "ticket", transfer_offer_ticket, 0, TRANSFER_ASKED, UNDO_NOTHING },
    { "take the file", download_take_file, WAITS_ANSWER, TRANSFER_ASKED,
      UNDO_NOTHING },
    TRANSFER_DATA_STEPS(UNDO_DATA),
    { "send", download_send, WAITS_DATA | WAITS_TURN, TRANSFER_FLOWING,
      UNDO_DATA },
    TRANSFER_SENT_STEPS(UNDO_DATA),
    TRANSFER_LAST_STEP,
};

/* RETR, LIST, NLST and MLSD. */
void cmd_send(struct session *s, const struct call *call)
{
    transfer_begin(s, call,
                   call->command->verb == VERB_RETR ? download_steps
                                                    : list_steps);
}
