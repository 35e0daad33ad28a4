/* Logging in: LOGIN, a worker, a verdict, files, GRANTED or DENIED. */
#ifndef SALLYPORT_SRC_MASTER_SESSIONS_LOGIN_H
#define SALLYPORT_SRC_MASTER_SESSIONS_LOGIN_H

#include "session.h"

/* Of the table of sessions. */
extern const struct session_calls login_calls;

/* A worker has become free or ready: those who wait. */
void login_retry(struct master *m);
/* The worker's answer, which has been counted. */
void login_on_verdict(struct session *s, const struct verdict *v);
void login_deny(struct session *s, enum denial why);

#endif
