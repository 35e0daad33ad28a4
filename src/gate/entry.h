/* A control connection, from its accept to its session. */
#ifndef GATE_ENTRY_H
#define GATE_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "acceptor.h"
#include "limits.h"
#include "sallyport/base/address.h"

struct gate;
struct listener;

struct entry {
    int control;
    struct address peer, local;
    uint64_t listener;
    bool implicit;
    bool proxied;
};

/* The callbacks of a listener's acceptor. */
void entry_enter(struct acceptor *a, int fd, const struct address *peer);
void entry_full(struct acceptor *d);

/* Forks a session for the connection. Returns LIMIT_NONE, or the reason why
 * there is no session. The socket stays the caller's. */
enum limit entry_begin(struct gate *g, const struct entry *e);
/* Reports the refusal to the client and to log. */
void entry_refuse(struct gate *g, const struct entry *e, enum limit limit);

/* The most sessions at a time whose client is not known yet. */
#define ENTRY_UNKNOWN 32
/* To be called when their number has changed, or after messages to master:
 * decides whether new connections wait in the listeners' backlog. They do while
 * master reads too slowly; those for proxies, also while too many clients are
 * unknown. */
void entry_mind(struct gate *g);

#endif
