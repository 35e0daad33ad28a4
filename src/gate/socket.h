/* The options of TCP sockets. */
#ifndef GATE_SOCKET_H
#define GATE_SOCKET_H

#include <stdbool.h>

#include "sallyport/base/address.h"

/* Sends at once: whole buffers are written, so there is nothing to gather. */
void socket_no_delay(int fd);
/* Finds out after two minutes that a silent client is gone: first question
 * after 60 s, four at 15 s distance. */
void socket_keep_alive(int fd);
/* Clients may send telnet's Data Mark in front of ABOR as urgent data (RFC 959
 * 4.1.3); out of line it would be missing in the stream. */
void socket_urgent_in_line(int fd);
/* For bind() to an address without a port: the kernel chooses the port at
 * connect(), so that connections to different clients can share it. */
void socket_share_ports(int fd);
/* An IPv6 socket that isn't for IPv6 only. */
bool socket_takes_both(int fd);
/* The address that the client connected to. 0 or -errno */
int socket_local(int fd, struct address *ret);

#endif
