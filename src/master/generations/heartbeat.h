/* The supervisor's `ping`, and gate's answer to it. */
#ifndef SALLYPORT_SRC_MASTER_GENERATIONS_HEARTBEAT_H
#define SALLYPORT_SRC_MASTER_GENERATIONS_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/loop.h"

struct master;
struct msg_healthy;
struct msg_ping;

struct heartbeat {
    uint32_t request; /* the supervisor's; 0: it waits for no answer */
    bool unasked;     /* gate has no room for `health` */
    bool doubted;     /* gate is late */
    struct loop_timer timer;
};

/* Handlers: `ping` has the master as its owner, `healthy` the child gate. */
int heartbeat_on_ping(void *owner, struct msg_ping *p);
int heartbeat_on_healthy(void *owner, struct msg_healthy *msg);
/* Sends `health` if gate had no room for it. */
void heartbeat_ask(struct master *m);
void heartbeat_release(struct master *m);

#endif
