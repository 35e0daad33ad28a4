/* The totals of the files and bytes that a user has stored. While the user has
 * uploads= or upload_bytes=, the process files counts these totals in an
 * extended attribute of the home's directory. sallyportctl shows them. */
#ifndef SALLYPORT_DOMAIN_STORED_H
#define SALLYPORT_DOMAIN_STORED_H

#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/slice.h"

#define STORED_ATTRIBUTE "user.sallyport.files"
#define STORED_TEXT_MAX  48

/* Files and bytes count from the first upload on that the user makes while the
 * user's row has one of these keys. */
struct stored {
    uint64_t files, bytes;
};

/* Parses the attribute's value, "FILES BYTES", or "FILES" of an older version.
 * Returns 0; or -EINVAL or -ERANGE with a zero *ret. */
int stored_parse(struct slice text, struct stored *ret);
/* Writes the value, and returns its length. */
size_t stored_text(const struct stored *s, char out[STORED_TEXT_MAX]);

#endif
