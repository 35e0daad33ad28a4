/* The directory of what outlives a restart. */
#ifndef SALLYPORT_SRC_CHECK_STATE_H
#define SALLYPORT_SRC_CHECK_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/siphash.h"

#define STATE_KEY SIPHASH_KEY

/* The key of the names of partials, from the directory PATH. MAKE: the
 * directory is made when missing, and so is the key: it is then the one that
 * KEY has, which must be random. 0; -EINVAL for what the administrator must
 * mend; else nothing can be kept there (-ENOENT: it is missing). Each failure
 * has its complaint "PATH: WHY", and leaves the key as it was. */
int state_key(const char *path, bool make, uint8_t key[STATE_KEY],
              struct complaint *c);

#endif
