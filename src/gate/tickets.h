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
/* Uses the keys of the older gate instead of its own, since clients have
 * tickets that they sealed. */
void tickets_adopt(struct gate *g, const struct msg_tickets *m);
/* The bytes of a key, for a field of a message. */
struct slice tickets_bytes(const struct ticket_key *k);
/* Sends the keys to a session, if its user has logged in. */
void tickets_tell(struct child *c);
void tickets_release(struct gate *g);

#endif
