/* A listening socket of gate, control or passive. */
#ifndef GATE_ACCEPTOR_H
#define GATE_ACCEPTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/address.h"
#include "sallyport/base/loop.h"

/* The most connections of one listener in a turn of the loop: a flood on one
 * port then starves neither the other ports nor the sessions. */
#define ACCEPT_ROUND    16
#define ACCEPT_PAUSE_MS 100

struct acceptor {
    struct loop *loop;
    int fd; /* owned; -1 when closed */
    struct address bound;
    /* Owns the new socket, which is non-blocking. */
    void (*enter)(struct acceptor *a, int fd, const struct address *peer);
    /* No descriptor was left for a connection; NULL: it waits. */
    void (*full)(struct acceptor *a);
    struct loop_watch watch;
    struct loop_timer pause;
    bool started; /* this gate is the one that accepts */
    bool held;    /* but new connections wait in the kernel for a moment */
};

/* Before the sandbox: 0 or -errno. The struct must stay where it is. */
int acceptor_init(struct acceptor *a);
/* Accepts from now on, until acceptor_stop(). After it connections wait in the
 * kernel for the gate that accepts next. */
void acceptor_start(struct acceptor *a);
void acceptor_stop(struct acceptor *a);
/* Accepts one connection: its socket, non-blocking, or -errno. */
int acceptor_accept(struct acceptor *a, struct address *peer);
/* Accepts the connections that wait there now. */
void acceptor_sweep(struct acceptor *a);
/* New connections wait in the kernel, until acceptor_go(). */
void acceptor_hold(struct acceptor *a);
void acceptor_go(struct acceptor *a);
/* Does nothing if it is closed. */
void acceptor_close(struct acceptor *a);

#endif
