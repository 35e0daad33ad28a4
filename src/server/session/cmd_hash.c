/* HASH, RANG (draft-bryan-ftpext-hash, draft-bryan-ftp-range), XSHA256, XSHA512
 * and XCRC, in session; and SIZE in TYPE A. A checksum is a transfer without a
 * data connection. The session reads the file in slices. */
#include "transfer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sallyport/base/clock.h"

/* Both ends belong to the range. "1 0" removes the range, and so does an
 * argument that RANG refuses. */
void cmd_rang(struct session *s, const struct call *call)
{
    struct slice last = call->argument, first;
    uint64_t from, to;

    s->first = s->end = 0;
    slice_cut(&last, ' ', &first);
    if (!last.ptr || slice_number(first, INT64_MAX - 1, &from) < 0 ||
        slice_number(last, INT64_MAX - 1, &to) < 0) {
        control_bad_argument(s, call->command->help);
    } else if (from == 1 && to == 0) {
        control_reply(s, REPLY_RANG_RESET);
    } else if (from > to) {
        control_bad_argument(s, call->command->help);
    } else {
        s->first = from;
        s->end = to + 1;
        control_reply_pair(s, REPLY_RANG_OK, first, last);
    }
}

static enum stepped hash_take(struct session *s)
{
    struct transfer *t = &s->transfer;

    transfer_take_file(s);
    if (t->start > 0 && t->start >= t->size)
        return transfer_fail(s, FAILED_HASH_OFFSET,
                             ask_outcome_cause(OUTCOME_BAD_OFFSET));
    if (t->end > 0 && t->end < t->size)
        t->size = t->end;
    t->digest = digest_new(t->hash);
    t->block = malloc(TRANSFER_BLOCK);
    if (!t->digest || !t->block)
        leave(s, ENDING_PEER, "no memory for a checksum");
    loop_timer_set(&s->loop, &t->stall, s->settings->hash_timeout);
    return STEP_NEXT;
}

/* Reads for a limited time, so that the session can answer ABOR before the next
 * slice. */
static enum stepped hash_sum(struct session *s)
{
    struct transfer *t = &s->transfer;

    for (uint64_t began = clock_ms(); clock_ms() - began < TRANSFER_TURN_MS;) {
        uint64_t left = t->size - t->offset;
        size_t want = left < TRANSFER_BLOCK ? (size_t)left : TRANSFER_BLOCK;
        ssize_t n;

        if (left == 0)
            return STEP_NEXT;
        n = pread(t->source, t->block, want, (off_t)t->offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            return transfer_fail(s, FAILED_HASH, "the file was cut short");
        if (n < 0 || !digest_add(t->digest, t->block, (size_t)n))
            return transfer_fail(s, FAILED_HASH, "can't read the file");
        t->offset += (uint64_t)n;
        t->bytes += (uint64_t)n;
    }
    /* Unlike transfer_soon(), keeps the watch of a data connection. */
    loop_timer_set(&s->loop, &t->again, 0);
    return STEP_WAIT;
}

/* Replies. The range of an empty file is 0-0, since the draft wants two
 * numbers. */
static enum stepped hash_answer(struct session *s)
{
    const struct transfer *t = &s->transfer;
    uint64_t last = t->size > 0 ? t->size - 1 : 0;
    char value[DIGEST_TEXT_MAX];
    struct buf text;

    if (!digest_text(t->digest, value))
        return transfer_fail(s, FAILED_HASH, "the checksum failed");
    if (t->verb != VERB_HASH)
        return transfer_finish(
            s, t->verb == VERB_SIZE ? REPLY_FACT : REPLY_CHECKSUM,
            slice_from(value), NOTHING, "");
    buf_init(&text, FTP_PATH_MAX + 256);
    buf_add_format(&text, "%s %llu-%llu %s ", t->hash,
                   (unsigned long long)t->start, (unsigned long long)last,
                   value);
    buf_add_slice(&text, path_slice(&t->path));
    transfer_finish(s, REPLY_FACT, buf_slice(&text), NOTHING, "");
    buf_release(&text);
    return STEP_NEXT;
}

const struct step hash_steps[] = {
    { "ask for the file", transfer_ask_file, 0, TRANSFER_ASKED, UNDO_NOTHING },
    { "take the file", hash_take, WAITS_ANSWER, TRANSFER_ASKED, UNDO_NOTHING },
    { "sum", hash_sum, WAITS_TURN, TRANSFER_HASHING, UNDO_DATA },
    { "answer", hash_answer, 0, TRANSFER_HASHING, UNDO_DATA },
    TRANSFER_LAST_STEP,
};

void hash_file(struct session *s, const char *name, uint64_t start,
               uint64_t until)
{
    struct transfer *t = &s->transfer;

    transfer_snapshot(s);
    t->hash = name;
    t->start = t->offset = start;
    t->end = until;
    transfer_start(s, hash_steps);
}

void cmd_hash(struct session *s, const struct call *call)
{
    (void)call;
    hash_file(s, hash_names[s->choices.hash], s->end > 0 ? s->first : 0,
              s->end);
}

/* Parses PATH, or "PATH" in quotes with START and END after it, which can be
 * missing. END is the first byte after the range. Returns 0; -EINVAL: START or
 * END is wrong. */
static int hash_parse_quoted(struct slice argument, struct slice *path,
                             uint64_t *start, uint64_t *until)
{
    const char *end;
    struct slice rest, word;

    *path = argument;
    *start = *until = 0;
    if (!slice_starts(argument, SLICE("\"")))
        return 0;
    end = memrchr(argument.ptr + 1, '"', argument.len - 1);
    if (!end)
        return 0;
    *path =
        (struct slice){ argument.ptr + 1, (size_t)(end - argument.ptr - 1) };
    rest = (struct slice){ end + 1,
                           (size_t)(argument.ptr + argument.len - end - 1) };
    if (rest.len == 0)
        return 0;
    slice_cut(&rest, ' ', &word); /* no text may stand before the blank */
    if (word.len > 0 || !slice_cut(&rest, ' ', &word) ||
        slice_number(word, INT64_MAX, start) < 0)
        return -EINVAL;
    if (!rest.ptr)
        return 0;
    return slice_number(rest, INT64_MAX, until) < 0 || *until <= *start
               ? -EINVAL
               : 0;
}

/* XSHA256, XSHA512 and XCRC. */
void cmd_checksum(struct session *s, const struct call *call)
{
    enum verb verb = call->command->verb;
    const char *name = verb == VERB_XCRC      ? "CRC32"
                       : verb == VERB_XSHA512 ? hash_names[HASH_SHA512]
                                              : hash_names[HASH_SHA256];
    uint64_t start, until;
    struct slice text;

    if (hash_parse_quoted(call->argument, &text, &start, &until) < 0)
        control_bad_argument(s, call->command->help);
    else if (path_names_directory(text))
        control_reply(s, REPLY_NAMES_DIRECTORY);
    else if (path_resolve(&s->cwd, text, &s->subject) < 0)
        control_reply(s, REPLY_BAD_NAME);
    else
        hash_file(s, name, start, until);
}
