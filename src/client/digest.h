/* The checksum of the bytes of a transfer, in the server's algorithm. */
#ifndef CLIENT_DIGEST_H
#define CLIENT_DIGEST_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_HEX_MAX 129

struct digest {
    EVP_MD_CTX *ctx; /* NULL: not wanted */
};

/* NAME as HASH has it; NULL: nothing is computed. 0 or -1: not known. */
int digest_begin(struct digest *d, const char *name);
void digest_add(struct digest *d, const void *bytes, size_t len);
/* The first LEN bytes of FD. 0 or -errno. */
int digest_add_head(struct digest *d, int fd, uint64_t len);
/* Lower-case hexadecimal; "" if nothing was wanted. Releases. */
void digest_end(struct digest *d, char out[DIGEST_HEX_MAX]);

#endif
