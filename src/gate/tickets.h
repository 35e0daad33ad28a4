/* The keys that seal the tickets of TLS 1.3. */
#ifndef GATE_TICKETS_H
#define GATE_TICKETS_H

#include "sallyport/base/loop.h"
#include "sallyport/ipc/message.h"
#include "sallyport/tls/ticket.h"

struct child;
struct gate;

struct tickets {
    struct ticket_keys *keys; /* of table.h: no fork has them */
    uint64_t turned;          /* clock_ms() when the first key was made */
    struct loop_timer timer;
};

/* The first keys, before any fork; and when they are exchanged. */
int tickets_begin(struct gate *g); /* 0 or -ENOMEM */
/* Uses those of the gate before, and drops its own: what they sealed counts. */
void tickets_adopt(struct gate *g, const struct msg_tickets *m);
/* A key as a message's field. */
struct slice tickets_bytes(const struct ticket_key *k);
/* To a session, if its user has logged in. */
void tickets_tell(struct child *c);
void tickets_release(struct gate *g);

#endif
