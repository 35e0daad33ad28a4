/* Arguments and replies that carry addresses: PASV, EPSV, PORT, EPRT. */
#ifndef SALLYPORT_FTP_HOSTPORT_H
#define SALLYPORT_FTP_HOSTPORT_H

#include "sallyport/base/address.h"
#include "sallyport/base/slice.h"

#define HOSTPORT_MAX 32

/* "h1,h2,h3,h4,p1,p2" of an IPv4 address. Returns out. */
const char *hostport_text(const struct address *a, char out[HOSTPORT_MAX]);
/* PORT's argument: six numbers 0 to 255, no blanks, port not 0. 0 or -EINVAL */
int hostport_parse(struct slice text, struct address *ret);
/* EPRT's argument (RFC 2428): "|1|192.0.2.1|5282|". -EINVAL; -EPROTONOSUPPORT
 * for a protocol number other than 1 and 2. */
int hostport_parse_extended(struct slice text, struct address *ret);

enum epsv_argument { EPSV_ANY, EPSV_IPV4, EPSV_IPV6, EPSV_ALL };
/* EPSV's argument: "", "1", "2", "ALL". -EINVAL; -EPROTONOSUPPORT for another
 * number. */
int epsv_parse(struct slice text, enum epsv_argument *ret);

#endif
