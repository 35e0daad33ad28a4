/* Random bytes, secrets, and a keyed hash. */
#ifndef SALLYPORT_BASE_RANDOM_H
#define SALLYPORT_BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/slice.h"

/* Ends the process if the kernel has no random bytes. */
void random_bytes(void *out, size_t len);

/* A secret of bounded length, wiped on release, never logged. It holds the
 * longest password of a user with a one-time code, and one byte more, so that a
 * longer text can be cut and is still too long. */
#define SECRET_MAX 518

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

/* SipHash-2-4 (Aumasson and Bernstein): a keyed hash for names and tables. */
#define SIPHASH_KEY 16

uint64_t siphash(const uint8_t key[SIPHASH_KEY], const void *data, size_t len);

#endif
