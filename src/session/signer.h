/* The session's channel to keys. */
#ifndef SALLYPORT_SRC_SESSION_SIGNER_H
#define SALLYPORT_SRC_SESSION_SIGNER_H

#include "session.h"

/* FD is a channel to keys (-1: keys is away), which handshakes of this session
 * use. Handshakes that waited for it go on. */
void signer_start(struct session *s, int fd);
/* False while keys is away: a handshake must wait. */
bool signer_is_there(const struct session *s);

#endif
