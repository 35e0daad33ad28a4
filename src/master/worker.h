/* The auth workers: who is asked, and what they answer. */
#ifndef SALLYPORT_SRC_MASTER_WORKER_H
#define SALLYPORT_SRC_MASTER_WORKER_H

#include "child.h"
#include "sallyport/ipc/channel.h"

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
/* Sends the newest users file and certificates to those who don't have them. */
void workers_tell(struct master *m);

/* owner: struct child */
int worker_on_verdict(void *owner, struct msg_verdict *msg);
void worker_on_ready(struct child *c);
void worker_on_writable(struct child *c);
void worker_on_gone(struct child *c);
void worker_on_time(struct child *c);

#endif
