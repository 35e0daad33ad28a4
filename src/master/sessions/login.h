/* A login: LOGIN, a worker, a verdict, files, GRANTED or DENIED. */
#ifndef SALLYPORT_SRC_MASTER_SESSIONS_LOGIN_H
#define SALLYPORT_SRC_MASTER_SESSIONS_LOGIN_H

#include "session.h"

/* For the table of sessions. */
extern const struct session_calls login_calls;

/* A worker has become free or ready: tries the waiting logins again. */
void login_retry(struct master *m);
/* Handles a worker's verdict, which answer_count() has counted. */
void login_on_verdict(struct session *s, const struct verdict *v);
void login_deny(struct session *s, enum denial why);

#endif
