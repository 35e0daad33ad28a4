/* May this client enter? At once, or when a session has read the PROXY header
 * that names it. */
#ifndef GATE_ADMIT_H
#define GATE_ADMIT_H

#include <stdint.h>

#include "sallyport/base/address.h"

#include "limits.h"

struct child;
struct gate;

/* What keeps a new connection out; PEER is NULL while it isn't known.
 * LIMIT_STARTUPS: not now, but it may wait. */
enum limit admit_new(struct gate *g, const struct address *peer);

/* How a session ended is held against its client's address: without a login
 * (it has cost a fork, and perhaps a signature), or by a crash. Never against
 * a proxy. */
void admit_remember(struct child *c, int status);

/* MSG_admit: CLIENT has connected to SERVER, which is the proxy. Yes, at once
 * or after a wait in the queue, goes to master, so that it and the log know the
 * client before the session does anything for it; no is KEPT_OUT. 0; -EPROTO
 * with the channel's reason; or what SEND() says. */
int admit(struct child *c, uint32_t request, const struct address *client,
          const struct address *server);
/* The client of C is known: it counts for that address from here on. */
void admit_know(struct child *c, const struct address *client,
                const struct address *server);
/* The answer to one that has waited. A session that doesn't read it is killed.
 */
void admit_begin(struct child *c, uint32_t request);
void admit_refuse(struct child *c, uint32_t request, enum limit limit);

#endif
