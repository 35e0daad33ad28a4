/* The passive ports: who may connect where, and whose connection it is. */
#ifndef GATE_PASSIVE_H
#define GATE_PASSIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accept.h"
#include "expect.h"

#define PASSIVE_MAX 65536
/* Pairs that may rest at a time, besides one for each session. */
#define PASSIVE_RESTING 16384
/* Connections in all that wait until a session has judged an earlier one. */
#define PASSIVE_PARKED 256

struct gate;
struct child;

struct port {
    struct door door;
    struct gate *gate;
    struct pair_list expected;
    bool both;     /* the IPv6 wildcard that takes IPv4 too */
    bool offered;  /* a session reads the header of a connection to it */
    uint64_t busy; /* number of the search that found its pair taken */
};

struct passive {
    struct port *port;
    size_t count, room;
    struct expect expect;
    struct loop_timer timer;
    uint64_t search; /* counts searches */
    size_t parked;
};

/* During set-up: takes a listening socket. 0, -ENOMEM, -ENOBUFS. */
int passive_add(struct gate *g, int fd, const struct address *bound);
/* After it: all listen, all the time. 0 or -errno */
int passive_begin(struct gate *g);
void passive_release(struct gate *g);

/* MSG_PORT: answers PORT_IS or PORT_NONE. What was expected before is no more,
 * or if it went unused is expected again. 0, or what channel_send() says. */
int passive_port(struct child *c, uint32_t request);
/* MSG_DATA_MINE and MSG_DATA_FOREIGN of a connection that gate was in doubt
 * about: the pair is free, or the next connection's turn comes. Of its address
 * gate believes the session no more than the PORT. False: there was none. */
bool passive_mine(struct child *c);
bool passive_foreign(struct child *c, uint16_t port);
/* Nobody is expected for this session any more. */
void passive_leave(struct child *c);

#endif
