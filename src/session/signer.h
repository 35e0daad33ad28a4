/* The session's channel to keys. */
#ifndef SALLYPORT_SRC_SESSION_SIGNER_H
#define SALLYPORT_SRC_SESSION_SIGNER_H

#include "session.h"

/* FD leads to keys (-1: it is away); handshakes of this session ask it. What
 * waited for it goes on. */
void signer_start(struct session *s, int fd);
/* False while keys is away: a handshake must wait. */
bool signer_is_there(const struct session *s);

#endif
