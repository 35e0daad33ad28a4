/* Parses a listing as the client gets it: every byte comes from the server.
 * Each entry must have a safe name for a local file. */
#include "fuzz.h"

#include <string.h>

#include "client/link/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct listing l = { 0 };
    struct slice rest, line;

    rest = fuzz_slice(data, size);
    while (slice_cut(&rest, '\n', &line))
        listing_take_mlsd(&l, line);
    listing_sort(&l);
    for (size_t i = 0; i < l.count; i++) {
        FUZZ_CHECK(listing_safe(slice_from(l.entry[i].name)));
        FUZZ_CHECK(strcmp(listing_find(&l, l.entry[i].name)->name,
                          l.entry[i].name) == 0);
    }
    listing_release(&l);
    return 0;
}
