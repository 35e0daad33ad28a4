/* The keys that seal the tickets of TLS 1.3. */
#ifndef GATE_TICKETS_H
#define GATE_TICKETS_H

#include "sallyport/base/loop.h"
#include "sallyport/tls/ticket.h"

struct child;
struct gate;

struct tickets {
    struct ticket_keys *keys; /* of table.h: no fork has them */
    struct loop_timer timer;
};

/* The first keys, before any fork; and when they are exchanged. */
int tickets_begin(struct gate *g); /* 0 or -ENOMEM */
/* To a session, if its user has logged in. */
void tickets_tell(struct child *c);
void tickets_release(struct gate *g);

#endif
