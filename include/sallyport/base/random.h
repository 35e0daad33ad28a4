/* Random bytes, secrets, and a keyed hash. */
#ifndef SALLYPORT_BASE_RANDOM_H
#define SALLYPORT_BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/slice.h"

/* Fills OUT with LEN random bytes. Ends the process if the kernel has none. */
void random_bytes(void *out, size_t len);

/* A secret of bounded length, wiped on release, never logged. It has room for
 * the longest password with a one-time code, and for one byte more: if a longer
 * text is cut to SECRET_MAX bytes, it is still too long. */
#define SECRET_MAX 518

struct secret {
    char bytes[SECRET_MAX + 1]; /* NUL-terminated for crypt(3) */
    size_t len;
};

/* Copies FROM to S. Returns 0; -EINVAL: FROM has a NUL; -ENAMETOOLONG: FROM is
 * longer than SECRET_MAX. After a failure S is empty. */
int secret_set(struct secret *s, struct slice from);
void secret_wipe(struct secret *s);
/* Compares LEN bytes. The time doesn't depend on the bytes. */
bool secret_equal(const void *a, const void *b, size_t len);

#define SECRET_CLEANUP __attribute__((cleanup(secret_wipe)))

/* SipHash-2-4 (Aumasson and Bernstein): a keyed hash for names and tables. */
#define SIPHASH_KEY 16

uint64_t siphash(const uint8_t key[SIPHASH_KEY], const void *data, size_t len);

#endif
