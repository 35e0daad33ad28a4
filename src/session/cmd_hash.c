/* HASH, RANG (draft-bryan-ftpext-hash, draft-bryan-ftp-range), XSHA256, XSHA512
 * and XCRC; and SIZE of lines. A checksum is a transfer without a data
 * connection: it is computed in slices of the loop, so that NOOP, STAT and ABOR
 * are answered meanwhile. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "control.h"
#include "digest.h"
#include "leave.h"
#include "transfer.h"

#define SLICES 4 /* blocks before the client gets its turn */

static void bad_argument(struct session *s, const struct call *call)
{
    control_reply_with(s, REPLY_BAD_ARGUMENT, slice_from(call->command->help),
                       NOTHING);
}

/* Both ends count; "1 0" takes a range back, and so does a mistake. */
void cmd_rang(struct session *s, const struct call *call)
{
    struct slice last = call->argument, first;
    uint64_t from, to;

    s->rest = s->until = 0;
    slice_cut(&last, ' ', &first);
    if (!last.ptr || slice_number(first, INT64_MAX - 1, &from) < 0 ||
        slice_number(last, INT64_MAX - 1, &to) < 0) {
        bad_argument(s, call);
    } else if (from == 1 && to == 0) {
        control_reply(s, REPLY_RANG_RESET);
    } else if (from > to) {
        bad_argument(s, call);
    } else {
        s->rest = from;
        s->until = to + 1;
        control_reply_with(s, REPLY_RANG_OK, first, last);
    }
}

/* What the loop does with it from here on is in hash_pump(). */
static void begin(struct session *s)
{
    struct transfer *t = &s->transfer;

    t->digest = digest_new(t->hash);
    t->block = malloc(TRANSFER_BLOCK);
    if (!t->digest || !t->block)
        leave(s, ENDING_PEER, "no memory for a checksum");
    t->state = TRANSFER_HASHING;
    loop_timer_set(&s->loop, &t->stall, s->settings->hash_timeout);
    transfer_soon(s);
}

static void readable(struct session *s, struct packet *p)
{
    struct transfer *t = &s->transfer;
    const char *cause;
    enum reply r;

    if (p->message == MSG_REFUSED) {
        r = ask_refusal(s, p, &cause);
        transfer_finish(s, r, slice_from(cause), NOTHING, cause);
        return;
    }
    t->source = ask_descriptor(s, p, S_IFREG);
    t->size = p->value[0].number;
    if (t->start > 0 && t->start >= t->size) {
        transfer_finish(s, REPLY_BAD_OFFSET, NOTHING, NOTHING,
                        outcome_cause(OUTCOME_BAD_OFFSET));
        return;
    }
    if (t->limit > 0 && t->limit < t->size)
        t->size = t->limit;
    if (lseek(t->source, (off_t)t->start, SEEK_SET) < 0)
        transfer_finish(s, REPLY_LOCAL_ERROR, SLICE("can't read the file"),
                        NOTHING, "lseek failed");
    else
        begin(s);
}

/* Of the bytes from START up to, not including, UNTIL; 0: the end. */
static void hash_file(struct session *s, enum verb verb,
                      const struct path *path, const char *name, uint64_t start,
                      uint64_t until)
{
    struct transfer *t = &s->transfer;
    struct packet p = { .message = MSG_FILE_READ,
                        .value = { TEXT(path_slice(path)), NUMBER(0) } };

    transfer_snapshot(s, verb, path);
    t->hash = name;
    t->start = t->offset = start;
    t->limit = until;
    ask_files(s, &p, readable);
}

void cmd_hash(struct session *s, const struct call *call)
{
    uint64_t from = s->until > 0 ? s->rest : 0;

    hash_file(s, call->command->verb, &call->path, hash_names[s->choices.hash],
              from, s->until);
}

/* "PATH", or in quotes with a range behind: "PATH" START END, where END is the
 * first byte that doesn't count. */
static int parse_quoted(struct slice argument, struct slice *path,
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
    slice_cut(&rest, ' ', &word); /* what stands before the blank: nothing */
    if (word.len > 0 || !slice_cut(&rest, ' ', &word) ||
        slice_number(word, INT64_MAX, start) < 0)
        return -EINVAL;
    if (!rest.ptr)
        return 0;
    return slice_number(rest, INT64_MAX, until) < 0 || *until <= *start
               ? -EINVAL
               : 0;
}

static void hash_argument(struct session *s, const struct call *call,
                          const char *name)
{
    uint64_t start, until;
    struct slice text;
    struct path path;

    if (parse_quoted(call->argument, &text, &start, &until) < 0)
        bad_argument(s, call);
    else if (path_names_folder(text))
        control_reply(s, REPLY_NAMES_FOLDER);
    else if (path_resolve(&s->cwd, text, &path) < 0)
        control_reply(s, REPLY_BAD_NAME);
    else
        hash_file(s, call->command->verb, &path, name, start, until);
}

void cmd_xsha256(struct session *s, const struct call *call)
{
    hash_argument(s, call, hash_names[HASH_SHA256]);
}

void cmd_xsha512(struct session *s, const struct call *call)
{
    hash_argument(s, call, hash_names[HASH_SHA512]);
}

void cmd_xcrc(struct session *s, const struct call *call)
{
    hash_argument(s, call, "CRC32");
}

void hash_size(struct session *s, const struct call *call)
{
    s->sized = 0; /* nothing of it that an upload could go on with */
    hash_file(s, VERB_SIZE, &call->path, DIGEST_LINES, 0, 0);
}

static void give_up(struct session *s, const char *why)
{
    transfer_finish(s, REPLY_LOCAL_ERROR, slice_from(why), NOTHING, why);
}

/* An empty file's only range is 0-0, as the draft wants two numbers. */
static void answer(struct session *s)
{
    const struct transfer *t = &s->transfer;
    uint64_t last = t->size > 0 ? t->size - 1 : 0;
    char value[DIGEST_TEXT_MAX];
    struct buf text;

    if (!digest_text(t->digest, value)) {
        give_up(s, "the checksum failed");
        return;
    }
    if (t->verb != VERB_HASH) {
        transfer_finish(s, t->verb == VERB_SIZE ? REPLY_SIZE : REPLY_CHECKSUM,
                        slice_from(value), NOTHING, "");
        return;
    }
    buf_init(&text, FTP_PATH_MAX + 256);
    buf_add_format(&text, "%s %llu-%llu %s ", t->hash,
                   (unsigned long long)t->start, (unsigned long long)last,
                   value);
    buf_add_slice(&text, path_slice(&t->path));
    transfer_finish(s, REPLY_HASH, buf_slice(&text), NOTHING, "");
    buf_release(&text);
}

void hash_pump(struct session *s)
{
    struct transfer *t = &s->transfer;

    for (int i = 0; i < SLICES && t->offset < t->size; i++) {
        uint64_t left = t->size - t->offset;
        size_t want = left < TRANSFER_BLOCK ? (size_t)left : TRANSFER_BLOCK;
        ssize_t n = read(t->source, t->block, want);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || !digest_add(t->digest, t->block, (size_t)n)) {
            give_up(s,
                    n == 0 ? "the file was cut short" : "can't read the file");
            return;
        }
        t->offset += (uint64_t)n;
        t->bytes += (uint64_t)n;
    }
    if (t->offset < t->size)
        transfer_soon(s);
    else
        answer(s);
}

/* In all: no client and no network slow this down, so that it goes on means
 * only that somebody keeps a processor busy. */
void hash_late(struct session *s)
{
    transfer_finish(
        s, s->transfer.verb == VERB_SIZE ? REPLY_SIZE_LATE : REPLY_HASH_LATE,
        NOTHING, NOTHING, "takes too long");
    session_continue(s);
}

void hash_release(struct session *s)
{
    digest_free(s->transfer.digest);
    s->transfer.digest = NULL;
}
