/* Active mode: connections that gate makes, to clients that asked for it. */
#ifndef GATE_ACTIVE_H
#define GATE_ACTIVE_H

#include <stdint.h>

#include "sallyport/base/address.h"
#include "sallyport/base/loop.h"
#include "sallyport/ipc/message.h"

#define ACTIVE_PORT_MIN 1024

struct child;

/* The one that is under way for a session. */
struct active {
    int fd; /* -1: none */
    uint32_t request;
    struct address to;
    struct loop_watch watch;
    struct loop_timer timer;
};

/* MSG_active: the answer is DATA or ACTIVE_NONE, within connect_timeout. 0; for
 * a request that no honest session makes -EPROTO, with the channel's reason;
 * or what SEND() says. */
int active_connect(struct child *c, uint32_t request, const struct address *to);
/* Goes on with a connection that the gate before began. */
void active_adopt(struct child *c, struct msg_heir_active *m);
/* It is no longer wanted. */
void active_leave(struct child *c);

#endif
