/* Data connections that are over, until their clients' ends have come. */
#ifndef SALLYPORT_SRC_SESSION_LINGER_H
#define SALLYPORT_SRC_SESSION_LINGER_H

#include "session.h"

void linger_init(struct session *s);
/* All that is to be said over FD is sent: our end is shut, and what the client
 * still sends is thrown away for 2 s. Takes FD. */
void linger_begin(struct session *s, int fd);
/* Throws away what has come, a bounded part of it: false when the end has. */
bool linger_drain(int fd);
bool linger_any(const struct session *s);

#endif
