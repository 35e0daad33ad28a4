/* The auth workers: who is asked, and with which users file. */
#ifndef SALLYPORT_SRC_MASTER_SESSIONS_WORKER_H
#define SALLYPORT_SRC_MASTER_SESSIONS_WORKER_H

#include "children/child.h"

/* Hands FD, one end of a pair, to the worker with the fewest verifications
 * under way. 0; -ENOENT: none is ready; -EAGAIN: this address has its share
 * under way; -EBUSY: none can take it now. FD stays the caller's. */
int worker_ask(struct session *s, int fd);
/* S waits no more. */
void worker_forget(struct master *m, const struct session *s);
/* The oldest generation that a verdict may name. */
uint64_t worker_oldest(const struct master *m);
/* MSG_users with the newest: 0 or -errno. */
int worker_send_users(struct child *c);
/* Sends the newest users file to a worker, or to all, unless they have it. */
void worker_tell(struct child *c);
void worker_tell_all(struct master *m);
/* What C was asked about that session; or NULL. */
struct verification *worker_find(struct child *c, uint64_t serial);

#endif
