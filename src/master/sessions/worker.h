/* The auth workers: which one gets a login, and with which users file. */
#ifndef SALLYPORT_SRC_MASTER_SESSIONS_WORKER_H
#define SALLYPORT_SRC_MASTER_SESSIONS_WORKER_H

#include "children/child.h"

/* Passes FD, one end of a pair, to the worker with the fewest verifications
 * under way. Returns 0; -ENOENT: no worker is ready; -EAGAIN: this address has
 * its share of verifications; -EBUSY: no worker can take it now. FD stays the
 * caller's. */
int worker_ask(struct session *s, int fd);
/* S doesn't wait for a verdict any more. */
void worker_forget(struct master *m, const struct session *s);
/* Returns the oldest generation that a verdict may name. */
uint64_t worker_oldest(const struct master *m);
/* Sends MSG_users with the newest file. Returns 0 or -errno. */
int worker_send_users(struct child *c);
/* Sends the newest users file to C, or to all workers, unless they have it. */
void worker_tell(struct child *c);
void worker_tell_all(struct master *m);
/* Returns C's verification for that session, or NULL. */
struct verification *worker_find(struct child *c, uint64_t serial);

#endif
