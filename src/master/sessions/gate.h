/* What master and gate tell each other. */
#ifndef SALLYPORT_SRC_MASTER_SESSIONS_GATE_H
#define SALLYPORT_SRC_MASTER_SESSIONS_GATE_H

#include "children/child.h"
#include "session.h"

/* Until this generation drains. */
extern const struct session_audience gate_audience;

/* Messages of gate; owner: struct child. */
int gate_on_session(void *owner, struct msg_session *msg);
int gate_on_session_peer(void *owner, struct msg_session_peer *msg);
int gate_on_session_gone(void *owner, struct msg_session_gone *msg);
int gate_on_born(void *owner, struct msg_born *msg);
int gate_on_kill_adopted(void *owner, struct msg_kill_adopted *msg);
/* Until then it accepts nobody. */
void gate_open(struct child *gate);
/* Gate has to know whether two sessions are of one user, and no names: a keyed
 * hash of the name, the same in all generations. 0: this session takes every
 * connection of its host for its client's, so it must get no port where another
 * user's may still come. */
uint64_t gate_number_of(const struct session *s);
/* Tells gate what it has still to be told, as far as it can take it. */
void gate_tell(struct master *m);

#endif
