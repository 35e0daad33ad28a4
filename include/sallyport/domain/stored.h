/* How much a user has stored, all together: the extended attribute of the
 * home's directory that files counts in and sallyportctl shows. It is kept
 * while the user has uploads= or upload_bytes=. */
#ifndef SALLYPORT_DOMAIN_STORED_H
#define SALLYPORT_DOMAIN_STORED_H

#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/slice.h"

#define STORED_ATTRIBUTE "user.sallyport.files"
#define STORED_TEXT_MAX  48

/* The bytes are counted from the first upload under either key on. */
struct stored {
    uint64_t files, bytes;
};

/* Reads the attribute's value, "FILES" or "FILES BYTES": 0; -EINVAL or
 * -ERANGE, and *ret is zero. */
int stored_parse(struct slice text, struct stored *ret);
/* Writes it, and returns its length. Without bytes it is "FILES", all that
 * release 0.3 reads. */
size_t stored_text(const struct stored *s, char out[STORED_TEXT_MAX]);

#endif
