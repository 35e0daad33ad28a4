/* The new gate's side of a takeover: it adopts what the older gate sends. */
#ifndef GATE_ADOPT_H
#define GATE_ADOPT_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/loop.h"
#include "sallyport/ipc/channel.h"

struct gate;

/* The time that the older gate has after its `hello`, which says that it
 * accepts no more. After it this gate accepts connections, and still adopts
 * what arrives later. Without a `hello` this gate accepts only when the channel
 * has ended: an older gate that hangs could accept beside it. */
#define ADOPT_MS 1000

struct adoption {
    struct channel before; /* from that gate; fd -1: no takeover */
    struct loop_watch watch;
    struct loop_timer timer;
    bool waits;     /* nothing is served yet */
    size_t skipped; /* sessions that had no room here */
};

void adopt_init(struct gate *g);
void adopt_release(struct gate *g);
/* Takes FD, the channel to the older gate. */
void adopt_begin(struct gate *g, int fd);

#endif
