/* The header in which a proxy names the client of a connection: HAProxy's PROXY
 * protocol, versions 1 (a line) and 2 (binary; its TLVs are skipped). Pure
 * functions. The reader stops exactly at the end of the header, since the bytes
 * after it belong to the client. */
#ifndef SALLYPORT_FTP_PROXY_H
#define SALLYPORT_FTP_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/address.h"
#include "sallyport/base/slice.h"

#define PROXY_LINE_MAX 107  /* bytes of version 1, with its CRLF */
#define PROXY_MAX      4096 /* bytes of version 2, with its TLVs: our limit */

enum proxy_state {
    PROXY_MORE, /* not complete yet */
    PROXY_DONE,
    PROXY_BAD
};

/* The reader. It begins as { 0 }. */
struct proxy_header {
    enum proxy_state state;
    uint8_t kept[PROXY_LINE_MAX]; /* the first bytes */
    size_t len;                   /* bytes taken so far */
    size_t whole; /* version 2: size of the whole header; 0 until it is known */

    /* Valid with PROXY_DONE. CLIENT and SERVER have family 0 if there is no
     * client: the proxy speaks for itself (LOCAL, a health check), or doesn't
     * know the client (UNKNOWN, a client without IP). */
    struct address client;
    struct address server; /* the address that the client connected to */
    const char *wrong;     /* with PROXY_BAD: the reason, for the log */
};

/* Takes the next bytes of the header from BYTES, and returns the new state.
 * *took is the number of bytes taken: all of BYTES as long as the state is
 * PROXY_MORE; 0 if the state was PROXY_DONE or PROXY_BAD already. */
enum proxy_state proxy_take(struct proxy_header *h, struct slice bytes,
                            size_t *took);

#endif
