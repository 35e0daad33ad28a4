/* The argument of HOST (RFC 7151 3). */
#ifndef SALLYPORT_FTP_HOST_H
#define SALLYPORT_FTP_HOST_H

#include "sallyport/base/slice.h"

/* Is HOST the name that a client has asked for in its TLS handshake (SNI)?
 * Without regard to case and to a dot at the end; IPv6 is in brackets. 0;
 * -EINVAL: no host name at all (a port has no place there); -ENOENT: another
 * one. */
int host_compare(struct slice host, struct slice asked);

#endif
