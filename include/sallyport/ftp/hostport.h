/* Addresses and host names in arguments and replies: PASV, EPSV and HOST. */
#ifndef SALLYPORT_FTP_HOSTPORT_H
#define SALLYPORT_FTP_HOSTPORT_H

#include "sallyport/base/address.h"
#include "sallyport/base/slice.h"

#define HOSTPORT_MAX 32

/* Writes an IPv4 address as "h1,h2,h3,h4,p1,p2". Returns OUT. */
const char *hostport_text(const struct address *a, char out[HOSTPORT_MAX]);
/* Parses a decimal number from 0 to MAX without leading zeros: "010" is 8 to
 * some parsers and 10 to others. Returns 0, or -EINVAL with *ret untouched. */
int hostport_number(struct slice s, uint64_t max, uint64_t *ret);

enum epsv_argument { EPSV_ANY, EPSV_IPV4, EPSV_IPV6, EPSV_ALL };
/* Parses the argument of EPSV: "", "1", "2" or "ALL". Returns 0; -EINVAL;
 * -EPROTONOSUPPORT: another number. */
int hostport_parse_epsv(struct slice text, enum epsv_argument *ret);

/* Does HOST, the argument of the command HOST, name the same host as ASKED, the
 * name from the TLS handshake (SNI)? Ignores case, a dot at the end, and the
 * brackets of IPv6 addresses. */
bool host_is_same(struct slice host, struct slice asked);

#endif
