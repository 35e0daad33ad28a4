/* Why a host name has no address: lookup reports it, and master logs it. */
#ifndef SALLYPORT_DOMAIN_UNRESOLVED_H
#define SALLYPORT_DOMAIN_UNRESOLVED_H

#include <stdint.h>

enum unresolved {
    UNRESOLVED_UNKNOWN,
    UNRESOLVED_UNUSABLE, /* no IPv4 address that clients can connect to */
    UNRESOLVED_SERVER,   /* the name server failed or can't be reached */
    UNRESOLVED_LATE,
    UNRESOLVED_FAILED, /* the process that looked it up died */
    UNRESOLVED_COUNT
};
/* "?" for a number out of range. */
const char *unresolved_text(uint64_t u);

#endif
