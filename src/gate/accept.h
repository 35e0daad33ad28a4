/* A listening socket of gate, control or passive. */
#ifndef GATE_ACCEPT_H
#define GATE_ACCEPT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "sallyport/base/address.h"
#include "sallyport/base/loop.h"

/* So many connections of one listener per round, so that a flood on one port
 * starves neither the other ports nor the sessions. */
#define ACCEPT_ROUND    16
#define ACCEPT_PAUSE_MS 100

struct door {
    struct loop *loop;
    int fd; /* owned; -1 when closed */
    struct address bound;
    /* Owns the new socket, which is non-blocking. */
    void (*enter)(struct door *d, int fd, const struct sockaddr_storage *from);
    /* No descriptor was left for a connection; NULL: it waits. */
    void (*full)(struct door *d);
    struct loop_watch watch;
    struct loop_timer pause;
    bool held; /* whoever comes waits */
};

/* Begins to accept: 0 or -errno. The struct must stay where it is. */
int door_open(struct door *d);
/* Takes what waits there now, before anything else is decided. */
void door_sweep(struct door *d);
/* From here on whoever comes waits in the kernel, until door_go(). */
void door_hold(struct door *d);
void door_go(struct door *d);
/* Harmless for one that is closed. */
void door_close(struct door *d);

#endif
