/* The keys that seal the tickets of TLS 1.3. */
#ifndef GATE_TICKETS_H
#define GATE_TICKETS_H

#include "sallyport/base/loop.h"
#include "sallyport/tls/ticket.h"

struct gate;

struct tickets {
    struct ticket_keys keys;
    struct loop_timer timer;
};

/* The first keys, before any fork; and when they are exchanged. */
void tickets_begin(struct gate *g);
void tickets_release(struct gate *g);

#endif
