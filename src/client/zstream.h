/* MODE Z: the data connection carries one stream in zlib's format (RFC 1950).
 * These functions compress and decompress it. */
#ifndef CLIENT_ZSTREAM_H
#define CLIENT_ZSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <zlib.h>

#define ZSTREAM_BLOCK 65536

struct zstream {
    z_stream z;
    enum { ZSTREAM_OFF, ZSTREAM_DEFLATES, ZSTREAM_INFLATES } kind;
    bool source_ended, ended;
    char block[ZSTREAM_BLOCK];
};

/* Returns 0, or -1: out of memory. */
int zstream_begin(struct zstream *s, bool deflates);
/* Decompresses BYTES into SINK (which returns LEN for success). Returns 0; -1:
 * the bytes are damaged, continue after the end, or SINK failed. */
int zstream_unpack(struct zstream *s, const char *bytes, size_t len,
                   size_t (*sink)(void *of, const char *bytes, size_t len),
                   void *of);
/* Fills OUT with compressed bytes from SOURCE (which returns 0 at its end, -1
 * if it failed). Returns their number, 0 at the end, or -1. */
long zstream_pack(struct zstream *s, char *out, size_t len,
                  long (*source)(void *of, char *bytes, size_t len), void *of);
/* Did a decompressed stream reach its own end? */
bool zstream_is_whole(const struct zstream *s);
void zstream_end(struct zstream *s);

#endif
