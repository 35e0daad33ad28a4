/* The supervisor's messages, in master. */
#ifndef SALLYPORT_SRC_MASTER_GENERATIONS_SUPERVISOR_H
#define SALLYPORT_SRC_MASTER_GENERATIONS_SUPERVISOR_H

#include "sallyport/ipc/channel.h"

struct master;

/* Reads the supervisor's messages from now on. Returns 0 or -errno. */
int supervisor_start(struct master *m);
/* Everything is ready: the supervisor answers with MSG_lead, perhaps after
 * MSG_take_over, and gate opens. */
void supervisor_up(struct master *m);
/* Handler; owner: struct child. Gate accepts now. */
int supervisor_on_serving(void *owner, struct msg_serving *msg);

#endif
