/* Data connections that are over, until the clients' ends have come. */
#ifndef SALLYPORT_SRC_SESSION_LINGER_H
#define SALLYPORT_SRC_SESSION_LINGER_H

#include "session.h"

void linger_init(struct session *s);
/* Everything for FD's client has been sent: shuts our end, and ignores for 2 s
 * what the client still sends. Takes FD. */
void linger_begin(struct session *s, int fd);
/* Reads and ignores a bounded part of what has come. False: the end has come.
 */
bool linger_drain(int fd);
bool linger_any(const struct session *s);

#endif
