/* One who is connected to the control socket: sallyportctl, with one request at
 * a time. */
#ifndef SALLYPORT_SRC_MASTER_CONTROL_PEER_H
#define SALLYPORT_SRC_MASTER_CONTROL_PEER_H

#include "sessions/home.h"

struct master;

enum peer_state {
    PEER_FREE,
    PEER_IDLE,    /* may ask; perhaps a files works for it */
    PEER_OPENING, /* files was forked; READY is awaited */
    PEER_ENDED    /* its channel is closed; files isn't reaped yet */
};

struct peer {
    struct master *master;
    enum peer_state state;
    struct channel channel;
    struct loop_watch watch;
    struct loop_timer timer; /* of the state */
    uint32_t request;        /* the one that is being served */
    uint32_t reloading;      /* the one that asked for a reload; 0: none */
    uint32_t renewal;        /* master's own number for that */
    struct home home;        /* pid 0: none works for it */
};

/* The answer to the request was sent, and RESULT is SEND()'s.
 * The next request may come then. A peer that can't take the answer is ended.
 */
void peer_answered(struct peer *p, int result);
/* The same of one of several messages before the last. */
void peer_sent(struct peer *p, int result);
void peer_refuse(struct peer *p, enum refusal why, const char *words);
/* Closes its channel; what works for it leaves, or is killed. */
void peer_end(struct peer *p);
/* (Re)arms the timer of the state. */
void peer_wait(struct peer *p);

#endif
