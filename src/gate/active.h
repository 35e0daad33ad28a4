/* Active mode: connections that gate makes, to clients that asked for it. */
#ifndef GATE_ACTIVE_H
#define GATE_ACTIVE_H

#include <stdint.h>

#include "sallyport/base/address.h"
#include "sallyport/base/loop.h"
#include "sallyport/ipc/message.h"

#define ACTIVE_PORT_MIN 1024

struct child;

/* The connection that gate is making for a session. */
struct active {
    int fd; /* -1: none */
    uint32_t request;
    struct address to;
    struct loop_watch watch;
    struct loop_timer timer;
};

/* For MSG_active. The answer is `data` or `active_none`, within
 * connect_timeout. Returns 0; -EPROTO, with the channel's reason, for a request
 * that no honest session makes; or the result of SEND(). */
int active_connect(struct child *c, uint32_t request, const struct address *to);
/* Continues a connection that the older gate began. */
void active_adopt(struct child *c, struct msg_heir_active *m);
/* Ends the connection that is being made, if there is one. */
void active_leave(struct child *c);

#endif
