/* The SHA-256 of an upload, in the session process. New bytes are added as they
 * pass. After a resume the old bytes are read from the partial meanwhile, two
 * blocks for each new one, so that little is left to read at the end. Until
 * they are read, the new bytes are read from the partial, too. */
#include "sum.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "digest.h"
#include "sallyport/domain/rights.h"

#define SUM_BLOCK (64u << 10)
/* SUM_BLOCKs for each TRANSFER_BLOCK, and at once after the end. */
#define SLICES 16

/* Without the right to read, files gives no access to the bytes from before. */
bool sum_begin(struct session *s)
{
    struct transfer *t = &s->transfer;
    bool reads = t->start == 0 || s->login.rights & RIGHT_READ;

    t->summed = 0;
    if (!s->settings->sha256 || !reads)
        return true;
    t->digest = digest_new("SHA-256");
    return t->digest;
}

/* How far the partial can be read back: the copy of a head grows from the
 * beginning, while what comes is written after it. */
static uint64_t sum_readable(const struct transfer *t)
{
    return t->copying > 0 ? t->start - t->copying : t->offset;
}

bool sum_is_behind(const struct session *s)
{
    const struct transfer *t = &s->transfer;

    return t->digest && t->summed < t->offset;
}

/* The descriptor's position is the end of the summed part: new bytes are
 * written by pwrite(2), which doesn't move it. */
static bool sum_read_block(struct transfer *t)
{
    char block[SUM_BLOCK];
    uint64_t left = sum_readable(t) - t->summed;
    size_t want = left < sizeof(block) ? (size_t)left : sizeof(block);
    ssize_t n = read(t->source, block, want);

    if (n < 0 && errno == EINTR)
        return true;
    if (n <= 0 || !digest_add(t->digest, block, (size_t)n))
        return false;
    t->summed += (uint64_t)n;
    return true;
}

bool sum_catch_up(struct session *s)
{
    struct transfer *t = &s->transfer;

    for (int i = 0; i < SLICES && t->digest && t->summed < sum_readable(t); i++)
        if (!sum_read_block(t))
            return false;
    return true;
}

bool sum_add(struct session *s, const char *block, size_t len)
{
    struct transfer *t = &s->transfer;

    if (!t->digest || len == 0)
        return true;
    if (t->summed + len < t->offset)
        return sum_catch_up(s);
    if (!digest_add(t->digest, block, len))
        return false;
    t->summed = t->offset;
    return true;
}

void sum_end(struct session *s)
{
    char text[DIGEST_TEXT_MAX];
    struct transfer *t = &s->transfer;

    if (t->digest && digest_text(t->digest, text))
        slice_copy(slice_from(text), t->sha256, sizeof(t->sha256));
}
