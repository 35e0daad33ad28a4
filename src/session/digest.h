/* Checksums of bytes as they pass, and their length in TYPE A. The only code of
 * session that knows a library for checksums. */
#ifndef SALLYPORT_SRC_SESSION_DIGEST_H
#define SALLYPORT_SRC_SESSION_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_TEXT_MAX 129 /* SHA-512 in hexadecimal, and a NUL */

struct digest;

/* Not a checksum: how many bytes TYPE A makes of them (RFC 3659 4). */
#define DIGEST_LINES "lines"

/* "SHA-256", "SHA-512", "CRC32" or DIGEST_LINES; NULL: out of memory, or no
 * such name. */
struct digest *digest_new(const char *name);
/* False: the library failed. */
bool digest_add(struct digest *d, const void *bytes, size_t len);
/* In lower case; a length is decimal. After it only digest_free(). */
bool digest_text(struct digest *d, char out[DIGEST_TEXT_MAX]);
/* NULL is fine. */
void digest_free(struct digest *d);

#endif
