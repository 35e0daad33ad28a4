/* Splits a request. Verb, one blank and argument must make the line again, and
 * the row that is found must have the verb's name. HELP of any word, and any
 * reply with any argument, must be whole lines. */
#include "fuzz.h"

#include <string.h>

#include "sallyport/ftp/command.h"
#include "sallyport/ftp/line.h"
#include "sallyport/ftp/reply.h"

static void check_split(struct slice line, const struct request *q)
{
    size_t passed = (size_t)(q->verb.ptr - line.ptr);
    bool blank = passed + q->verb.len < line.len;

    FUZZ_CHECK(passed % 2 == 0 && passed <= line.len);
    FUZZ_CHECK(!slice_has(q->verb, ' '));
    FUZZ_CHECK(passed + q->verb.len + (blank ? 1 : 0) + q->argument.len ==
               line.len);
    if (blank) {
        FUZZ_CHECK(line.ptr[passed + q->verb.len] == ' ');
        FUZZ_CHECK(q->argument.ptr == q->verb.ptr + q->verb.len + 1);
    }
}

/* Checks that the buffer has only whole lines: LF follows each CR, and CR
 * precedes each LF. */
static void check_lines(const struct buf *b)
{
    for (size_t i = 0; i < b->len; i++) {
        FUZZ_CHECK(b->data[i] != '\0');
        if (b->data[i] == '\r')
            FUZZ_CHECK(i + 1 < b->len && b->data[i + 1] == '\n');
        if (b->data[i] == '\n')
            FUZZ_CHECK(i > 0 && b->data[i - 1] == '\r');
    }
    FUZZ_CHECK(b->len == 0 || b->data[b->len - 1] == '\n');
}

static size_t count_lines(const struct buf *b)
{
    size_t n = 0;

    for (size_t i = 0; i < b->len; i++)
        n += b->data[i] == '\n';
    return n;
}

static void check_replies(struct slice argument)
{
    struct slice args[] = { argument, argument };
    struct buf b;

    buf_init(&b, 4 * REPLY_ARGUMENT_MAX);
    for (unsigned r = 0; r < REPLY_COUNT; r++) {
        buf_clear(&b);
        FUZZ_CHECK(reply_build(&b, (enum reply)r, args, 2) == 0);
        check_lines(&b);
        FUZZ_CHECK(count_lines(&b) == 1);
    }
    buf_clear(&b);
    if (reply_line(&b, argument) == 0)
        FUZZ_CHECK(count_lines(&b) == 1);
    check_lines(&b);
    buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice line = fuzz_slice(data, size);
    struct request q;
    struct buf b;

    command_parse(line, &q);
    check_split(line, &q);
    if (q.command)
        FUZZ_CHECK(slice_equal_nocase(q.verb, slice_from(q.command->name)));
    if (q.command) /* otherwise session would disconnect the client */
        FUZZ_CHECK(!not_ftp_byte(line.ptr[0]));
    buf_init(&b, 4096);
    FUZZ_CHECK(command_help(q.argument, &b) == 0 || b.len == 0);
    check_lines(&b);
    buf_release(&b);
    check_replies(q.argument);
    return 0;
}
