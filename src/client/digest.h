/* The checksum of a transfer's bytes, in the server's algorithm. */
#ifndef CLIENT_DIGEST_H
#define CLIENT_DIGEST_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_HEX_MAX 129

struct digest {
    EVP_MD_CTX *ctx; /* NULL: no checksum is wanted */
};

/* Begins a checksum. NAME is as in HASH; NULL: none is wanted. Returns 0, or
 * -1: the algorithm is unknown. */
int digest_begin(struct digest *d, const char *name);
void digest_add(struct digest *d, const void *bytes, size_t len);
/* Adds the first LEN bytes of FD. Returns 0 or -errno. */
int digest_add_head(struct digest *d, int fd, uint64_t len);
/* Writes the checksum in lower-case hexadecimal, or "" if none was wanted, and
 * frees D. */
void digest_end(struct digest *d, char out[DIGEST_HEX_MAX]);

#endif
