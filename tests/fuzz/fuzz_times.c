/* Parses times that clients set. An accepted time must be the time in the text,
 * and the path must be a part of the argument, after the time. */
#include "fuzz.h"

#include <errno.h>

#include "sallyport/ftp/listing.h"
#include "sallyport/ftp/times.h"

#define YEAR_9999_END 253402300799

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice argument = fuzz_slice(data, size), path;
    char text[16];
    time_t modify;
    int r = times_parse(argument, &modify, &path);

    if (r < 0) {
        FUZZ_CHECK(r == -EINVAL || r == -ERANGE);
        return 0;
    }
    FUZZ_CHECK(modify >= 0 && modify <= YEAR_9999_END);
    FUZZ_CHECK(path.len > 0 && path.ptr >= argument.ptr);
    FUZZ_CHECK(path.ptr + path.len <= argument.ptr + argument.len);
    FUZZ_CHECK(slice_starts(argument, slice_from(listing_time(modify, text))));
    return 0;
}
