/* The answers of the auth workers. */
#ifndef SALLYPORT_SRC_MASTER_SESSIONS_VERDICT_H
#define SALLYPORT_SRC_MASTER_SESSIONS_VERDICT_H

#include "children/child.h"

/* Handler of `verdict`; owner: struct child. */
int verdict_on_verdict(void *owner, struct msg_verdict *msg);
/* For the row of auth (rows.c). */
void verdict_go_on(struct child *c);
void verdict_on_gone(struct child *c);
void verdict_on_time(struct child *c);

#endif
