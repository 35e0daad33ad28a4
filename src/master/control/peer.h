/* A peer at the control socket: a sallyportctl, with one request at a time. */
#ifndef SALLYPORT_SRC_MASTER_CONTROL_PEER_H
#define SALLYPORT_SRC_MASTER_CONTROL_PEER_H

#include "sessions/home.h"

struct master;

enum peer_state {
    PEER_FREE,
    PEER_IDLE,    /* may ask; a process files may be working for it */
    PEER_OPENING, /* files was forked; its READY hasn't come yet */
    PEER_ENDED    /* its channel is closed; its files isn't reaped yet */
};

struct peer {
    struct master *master;
    enum peer_state state;
    struct channel channel;
    struct loop_watch watch;
    struct loop_timer timer; /* for the present state */
    uint32_t request;        /* the request under way */
    uint32_t reloading;      /* its request for a reload; 0: none */
    uint32_t renewal;        /* master's own number for that reload */
    struct home home;        /* pid 0: no files works for it */
};

/* Call it after sending the answer to the request; RESULT is SEND()'s. The next
 * request may come then. A peer that can't take the answer is ended. */
void peer_answered(struct peer *p, int result);
/* Call it after sending one of several messages before the last. */
void peer_sent(struct peer *p, int result);
void peer_refuse(struct peer *p, enum refusal why, const char *words);
/* Closes its channel. Its process files leaves by itself, or is killed. */
void peer_end(struct peer *p);
/* Sets the timer for the present state. */
void peer_wait(struct peer *p);

#endif
