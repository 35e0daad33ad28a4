/* A secret of bounded length, wiped on release, never logged. */
#ifndef SALLYPORT_BASE_SECRET_H
#define SALLYPORT_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/slice.h"

#define SECRET_MAX 512

struct secret {
    char bytes[SECRET_MAX + 1]; /* NUL-terminated for crypt(3) */
    size_t len;
};

/* Returns 0; -EINVAL if FROM has a NUL; -ENAMETOOLONG if it is longer than
 * SECRET_MAX. */
int secret_set(struct secret *s, struct slice from);
void secret_wipe(struct secret *s);
/* Takes the same time wherever the first difference is. */
bool secret_equal(const void *a, const void *b, size_t len);

#define SECRET_CLEANUP __attribute__((cleanup(secret_wipe)))

#endif
