/* The passive ports: which client may connect to which port, and which session
 * gets the connection. */
#ifndef GATE_PASSIVE_H
#define GATE_PASSIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acceptor.h"
#include "expect.h"
#include "sallyport/ipc/message.h"

#define PASSIVE_MAX 65536
/* Pairs that may rest at a time, besides one for each session. */
#define PASSIVE_RESTING 16384
/* Connections in all that wait until a session has judged an earlier one. */
#define PASSIVE_PARKED 256

struct gate;
struct child;

struct port {
    struct acceptor acceptor;
    struct gate *gate;
    struct pair_list expected;
    bool both;     /* the IPv6 wildcard that takes IPv4 too */
    bool retired;  /* no longer configured: for adopted sessions alone */
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
int passive_add(struct gate *g, int fd, const struct address *bound,
                bool retired);
/* After it: 0 or -errno */
int passive_begin(struct gate *g);
void passive_release(struct gate *g);

/* The port that listens there; NULL: none. */
struct port *passive_find(struct gate *g, const struct address *bound);
/* Closes retired ports at which nobody is expected any more. */
void passive_retire(struct gate *g);

/* Restore the older gate's state: C's client is expected at a port, connections
 * wait there, and others are late. What doesn't fit here is dropped. */
void passive_adopt(struct child *c, const struct msg_heir_port *m);
void passive_adopt_parked(struct child *c, struct msg_heir_parked *m);
void passive_adopt_rest(struct gate *g, const struct msg_resting *m);

/* For MSG_port: answers `port_is` or `port_none`. An earlier expectation of the
 * session ends; its pair may be the one that it gets again. Returns the result
 * of SEND(). */
int passive_port(struct child *c, uint32_t request);
/* For MSG_data_mine and MSG_data_foreign about a doubtful connection: the pair
 * is free, or the next connection's turn comes. gate believes the session only
 * about the PORT of the connection. Returns false if there was no such
 * connection. */
bool passive_mine(struct child *c);
bool passive_foreign(struct child *c, uint16_t port);
/* The connection of the session's client has come. */
void passive_used(struct child *c);
/* The session expects no connection any more. */
void passive_leave(struct child *c);

#endif
