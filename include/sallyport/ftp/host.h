/* The argument of HOST (RFC 7151 3). */
#ifndef SALLYPORT_FTP_HOST_H
#define SALLYPORT_FTP_HOST_H

#include "sallyport/base/slice.h"

/* Compares the argument of HOST with ASKED, the name from the TLS handshake
 * (SNI). It ignores case and a dot at the end. IPv6 addresses are in brackets.
 * Returns 0; -EINVAL: no host name (a port isn't allowed); -ENOENT: another
 * host. */
int host_compare(struct slice host, struct slice asked);

#endif
