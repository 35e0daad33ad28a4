/* Checksums of bytes as they pass: the one place of the session that knows a
 * library for them. */
#ifndef SALLYPORT_SRC_SESSION_DIGEST_H
#define SALLYPORT_SRC_SESSION_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_TEXT_MAX 129 /* SHA-512 in hexadecimal, and a NUL */

struct digest;

/* "SHA-256", "SHA-512" or "CRC32"; NULL: out of memory. */
struct digest *digest_new(const char *name);
/* False: the library failed. */
bool digest_add(struct digest *d, const void *bytes, size_t len);
/* In lower case; after it only digest_free(). */
bool digest_text(struct digest *d, char out[DIGEST_TEXT_MAX]);
/* NULL is fine. */
void digest_free(struct digest *d);

#endif
