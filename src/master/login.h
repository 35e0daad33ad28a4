/* Logging in: LOGIN, a worker, a verdict, files, GRANTED or DENIED. */
#ifndef SALLYPORT_SRC_MASTER_LOGIN_H
#define SALLYPORT_SRC_MASTER_LOGIN_H

#include "sallyport/ipc/channel.h"
#include "session.h"

struct child;

/* owner: struct session */
int login_on_request(void *owner, struct msg_login *msg);
/* A worker has become free or ready: those who wait. */
void login_retry(struct master *m);
/* The worker's answer, which has been counted. */
void login_on_verdict(struct session *s, const struct verdict *v);
void login_deny(struct session *s, enum denial why);
void login_grant(struct session *s);
/* Its files is of no use any more: the login is denied, or it is kicked. */
void login_home_lost(struct session *s);
/* The timer of the states WAITING to OPENING. */
void login_on_time(struct session *s);

#endif
