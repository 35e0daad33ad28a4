/* What master and gate tell each other. */
#ifndef SALLYPORT_SRC_MASTER_GATE_H
#define SALLYPORT_SRC_MASTER_GATE_H

#include "child.h"

int gate_on_session(void *owner, struct packet *p); /* owner: struct child */
int gate_on_session_peer(void *owner, struct packet *p);
int gate_on_session_gone(void *owner, struct packet *p);
/* Tells gate what it has still to be told, as far as it can take it. */
void gate_tell(struct master *m);
void gate_on_writable(struct child *c);
void gate_on_gone(struct child *c);
void gate_on_time(struct child *c);

#endif
