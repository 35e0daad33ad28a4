/* Which user a data connection belongs to. */
#ifndef SALLYPORT_SRC_SESSION_BINDING_H
#define SALLYPORT_SRC_SESSION_BINDING_H

#include "session.h"

/* A data connection that may not transfer, and why. */
struct binding_refusal {
    enum reply reply;
    const char *reason;
};

/* A user has logged in: makes the first tickets, which go out with the 230. 0,
 * or -EINVAL for a name that no user has. */
int binding_start(struct session *s);
/* One more ticket on the control connection, with the next reply. */
void binding_offer(struct session *s);
/* After the handshake of a data connection, before a byte of a file. NULL: it
 * may transfer. */
const struct binding_refusal *binding_judge(const struct session *s);
/* One more ticket on the data connection, for a client that reads there. */
void binding_renew(struct session *s);

#endif
