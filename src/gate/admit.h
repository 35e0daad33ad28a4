/* The question of a session that has read a PROXY header: may this client
 * enter? */
#ifndef GATE_ADMIT_H
#define GATE_ADMIT_H

#include <stdint.h>

#include "sallyport/base/address.h"

struct child;

/* MSG_ENTER: CLIENT has connected to SERVER, which is the proxy. Yes goes to
 * master, so that it and the log know the client before the session does
 * anything for it; no is KEPT_OUT. 0; -EPROTO with the channel's reason; or
 * what channel_send() says. */
int admit(struct child *c, uint32_t request, const struct address *client,
          const struct address *server);

#endif
