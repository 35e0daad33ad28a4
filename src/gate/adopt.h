/* The new gate's side of a takeover: it adopts what the gate before sends. */
#ifndef GATE_ADOPT_H
#define GATE_ADOPT_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/loop.h"
#include "sallyport/ipc/channel.h"

struct gate;

/* So long the gate before may need; then this one accepts, and adopts what
 * comes later all the same. */
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
/* FD, which it takes, leads to the gate before. */
void adopt_begin(struct gate *g, int fd);

#endif
