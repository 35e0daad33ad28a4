/* The messages between master and gate about sessions. */
#ifndef SALLYPORT_SRC_MASTER_SESSIONS_GATE_H
#define SALLYPORT_SRC_MASTER_SESSIONS_GATE_H

#include "children/child.h"
#include "session.h"

/* The audience until this generation drains. */
extern const struct session_audience gate_audience;

/* Handlers of gate's messages; owner: struct child. */
int gate_on_session(void *owner, struct msg_session *msg);
int gate_on_session_peer(void *owner, struct msg_session_peer *msg);
int gate_on_session_gone(void *owner, struct msg_session_gone *msg);
int gate_on_born(void *owner, struct msg_born *msg);
int gate_on_kill_adopted(void *owner, struct msg_kill_adopted *msg);
/* Permits gate to accept clients. */
void gate_open(struct child *gate);
/* Gate must know whether two sessions have the same user, but no names. So it
 * gets a keyed hash of the name, the same in all generations. 0: this session
 * accepts every connection from its client's host, so it must get no port that
 * another user's client may still use. */
uint64_t gate_number_of(const struct session *s);
/* Sends gate all news that waits, as far as gate can take it. */
void gate_tell(struct master *m);

#endif
