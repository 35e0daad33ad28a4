/* A user's process files: its fork, its start, its end. */
#ifndef SALLYPORT_SRC_MASTER_HOME_H
#define SALLYPORT_SRC_MASTER_HOME_H

#include "session.h"

/* May this row have a process at all? 0, or -EINVAL with the complaint. */
int home_permitted(const struct master *m, const struct user *user,
                   struct complaint *c);
/* Forks files for the session; state OPENING. 0 or -errno */
int home_open(struct session *s, const struct user *user);
/* Closes the channel, which makes files go. */
void home_close(struct session *s);
/* It is of no use any more: the login is denied, or the session kicked. */
void home_lost(struct session *s);
/* It was reaped. */
void home_reaped(struct session *s, int status);
/* It hasn't gone by itself. */
void home_kill(struct session *s);

#endif
