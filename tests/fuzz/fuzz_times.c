/* Times that clients set. An accepted time is the one in the text, and the path
 * is a part of the argument, after the time or before it. */
#include "fuzz.h"

#include <errno.h>

#include "sallyport/ftp/listing.h"
#include "sallyport/ftp/times.h"

#define YEAR_9999_END 253402300799

static void check_result(struct slice argument, int r, const struct times *t)
{
    if (r < 0) {
        FUZZ_CHECK(r == -EINVAL || r == -ERANGE);
        return;
    }
    FUZZ_CHECK(t->modify >= 0 && t->modify <= YEAR_9999_END);
    FUZZ_CHECK(t->access >= 0 && t->access <= YEAR_9999_END);
    FUZZ_CHECK(t->path.len > 0 && t->path.ptr >= argument.ptr);
    FUZZ_CHECK(t->path.ptr + t->path.len <= argument.ptr + argument.len);
}

static void check_facts(struct slice argument)
{
    struct mff m;
    struct times t = { 0 };
    int r = mff_parse(argument, &m);

    if (r < 0) {
        FUZZ_CHECK(r == -EINVAL || r == -ERANGE || r == -ENOTSUP);
        return;
    }
    FUZZ_CHECK(m.facts != 0);
    FUZZ_CHECK(!(m.facts & MFF_MODE) || (m.mode >= 0400 && m.mode <= 0777));
    if (m.facts & MFF_MODIFY)
        t.modify = t.access = m.modify;
    t.path = m.path;
    check_result(argument, 0, &t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice argument = fuzz_slice(data, size);
    struct times t;
    char text[16];
    int r = times_parse(argument, &t);

    check_result(argument, r, &t);
    if (r == 0)
        FUZZ_CHECK(
            slice_starts(argument, slice_from(listing_time(t.modify, text))));
    check_result(argument, times_parse_utime(argument, &t), &t);
    check_facts(argument);
    return 0;
}
