/* The header that a proxy writes in front of a connection, so that the server
 * knows whose it is: HAProxy's PROXY protocol, versions 1 (a line) and 2
 * (binary with TLVs, which are skipped). Pure, and byte by byte: what stands
 * behind the header belongs to somebody else. */
#ifndef SALLYPORT_FTP_PROXY_H
#define SALLYPORT_FTP_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/address.h"
#include "sallyport/base/slice.h"

#define PROXY_LINE_MAX 107  /* version 1, with its CRLF */
#define PROXY_MAX      4096 /* version 2, with its TLVs: our bound, not its */

enum proxy_state {
    PROXY_MORE, /* not whole yet */
    PROXY_DONE,
    PROXY_BAD
};

struct proxy_header {
    enum proxy_state state;
    uint8_t kept[PROXY_LINE_MAX]; /* its beginning */
    size_t len;                   /* of what came so far */
    size_t whole;                 /* of version 2, once its head is here */

    /* Once it is DONE. Where the proxy speaks for itself (LOCAL, a health
     * check) or can't tell (UNKNOWN, a client without IP) there is no client,
     * and both are family 0. */
    struct address client;
    struct address server; /* where the client connected to */
    const char *wrong;     /* once it is BAD, for the log */
};

void proxy_init(struct proxy_header *h);
/* Takes of BYTES, which follow what was taken before, those that certainly
 * belong to the header: *took of them. Takes nothing unless it is MORE, and all
 * as long as it stays MORE. */
enum proxy_state proxy_take(struct proxy_header *h, struct slice bytes,
                            size_t *took);

#endif
