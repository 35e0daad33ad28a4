/* Whose a data connection is. */
#ifndef SALLYPORT_SRC_SESSION_BINDING_H
#define SALLYPORT_SRC_SESSION_BINDING_H

#include "session.h"

/* A data connection that may not transfer, and why. */
struct binding_refusal {
    enum reply reply;
    const char *reason;
};

/* Somebody has logged in: from here on there are tickets, the first ones with
 * the 230. 0, or -EINVAL for a name that no user has. */
int binding_start(struct session *s);
/* One more on the control connection, with the reply that comes next. */
void binding_offer(struct session *s);
/* After the handshake of a data connection, before a byte of a file: NULL if
 * it may transfer. */
const struct binding_refusal *binding_judge(const struct session *s);
/* One more on the data connection, for a client that reads there. */
void binding_renew(struct session *s);

#endif
