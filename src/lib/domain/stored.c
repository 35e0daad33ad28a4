/* Parses and prints the value of the attribute that says how many files and
 * bytes a user has stored. Pure. */
#include "sallyport/domain/stored.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

int stored_parse(struct slice text, struct stored *ret)
{
    struct slice rest = text, files;
    int r = slice_cut(&rest, ' ', &files) ? 0 : -EINVAL;

    *ret = (struct stored){ 0 };
    if (r == 0)
        r = slice_number(files, INT64_MAX, &ret->files);
    if (r == 0 && rest.ptr)
        r = slice_number(rest, INT64_MAX, &ret->bytes);
    if (r < 0)
        *ret = (struct stored){ 0 };
    return r;
}

size_t stored_text(const struct stored *s, char out[STORED_TEXT_MAX])
{
    return (size_t)snprintf(out, STORED_TEXT_MAX, "%" PRIu64 " %" PRIu64,
                            s->files, s->bytes);
}
