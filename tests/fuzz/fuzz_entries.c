/* Parses a listing as the client gets it: every byte comes from the server. The
 * first byte chooses the form. Each entry must have a safe name for a local
 * file. */
#include "fuzz.h"

#include <string.h>

#include "client/link/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct listing l = { 0 };
    struct slice rest, line;

    if (size == 0)
        return 0;
    rest = fuzz_slice(data + 1, size - 1);
    while (slice_cut(&rest, '\n', &line))
        if (data[0] == 'M')
            listing_take_mlsd(&l, line);
        else
            listing_take_list(&l, line);
    listing_sort(&l);
    for (size_t i = 0; i < l.count; i++) {
        FUZZ_CHECK(listing_safe(slice_from(l.entry[i].name)));
        FUZZ_CHECK(strcmp(listing_find(&l, l.entry[i].name)->name,
                          l.entry[i].name) == 0);
    }
    listing_release(&l);
    return 0;
}
