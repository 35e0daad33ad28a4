/* Writes lines of listings. Each entry must make exactly one line with its full
 * name. A buffer that is too small must not change. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "sallyport/ftp/listing.h"

#define LINE_ROOM (1u << 20)

/* Checks that the buffer has one line, which ends with CRLF, has no other CR,
 * LF or NUL, and has room for the name. */
static void check_line(const struct buf *b, size_t tail_len)
{
    FUZZ_CHECK(b->len >= tail_len + 2);
    FUZZ_CHECK(memcmp(b->data + b->len - 2, "\r\n", 2) == 0);
    for (size_t i = 0; i < b->len - 2; i++)
        FUZZ_CHECK(b->data[i] != '\r' && b->data[i] != '\n' &&
                   b->data[i] != '\0');
}

static void check_tail(const struct buf *b, struct slice tail)
{
    const char *at = b->data + b->len - 2 - tail.len;

    check_line(b, tail.len);
    for (size_t i = 0; i < tail.len; i++)
        FUZZ_CHECK(at[i] == tail.ptr[i] || at[i] == '?');
}

static void check_small(const struct entry *e, time_t now)
{
    struct buf b;

    buf_init(&b, 8);
    FUZZ_CHECK(buf_add_text(&b, "abc") == 0);
    FUZZ_CHECK(listing_long(&b, e, now) == -ENOBUFS);
    FUZZ_CHECK(listing_facts(&b, e, LISTING_ALL) == -ENOBUFS);
    FUZZ_CHECK(slice_equal(buf_slice(&b), SLICE("abc")));
    buf_release(&b);
}

static void check_argument(struct slice argument)
{
    struct slice s = listing_argument(argument);

    FUZZ_CHECK(s.len <= argument.len);
    FUZZ_CHECK(s.ptr + s.len == argument.ptr + argument.len);
}

static struct entry take_entry(struct slice *rest)
{
    struct entry e = {
        .kind = (enum entry_kind)(fuzz_number(rest, 1) % ENTRY_KIND_COUNT),
        .mode = (uint32_t)fuzz_number(rest, 2),
        .links = (uint32_t)fuzz_number(rest, 4),
        .size = fuzz_number(rest, 8),
        .mtime = (time_t)fuzz_number(rest, 8),
        .device = fuzz_number(rest, 8),
        .inode = fuzz_number(rest, 8),
        .perm = PERM_APPEND | PERM_DELETE,
    };

    slice_cut(rest, '/', &e.name);
    e.target = rest->ptr ? *rest : SLICE("");
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = fuzz_slice(data, size);
    time_t now = (time_t)fuzz_number(&rest, 5);
    struct entry e = take_entry(&rest);
    struct buf b;

    check_argument(fuzz_slice(data, size));
    check_small(&e, now);
    buf_init(&b, LINE_ROOM);
    if (listing_long(&b, &e, now) == 0)
        check_tail(&b, e.kind == ENTRY_LINK && e.target.len > 0 ? e.target
                                                                : e.name);
    buf_clear(&b);
    if (listing_facts(&b, &e, LISTING_ALL) == 0)
        check_tail(&b, e.name);
    buf_clear(&b);
    if (listing_name(&b, e.target, e.name) == 0)
        check_tail(&b, e.name);
    buf_release(&b);
    return 0;
}
