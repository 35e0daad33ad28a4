/* Signals as events of the loop. */
#ifndef SALLYPORT_SRC_MASTER_GENERATIONS_SIGNALS_H
#define SALLYPORT_SRC_MASTER_GENERATIONS_SIGNALS_H

struct master;

/* TERM and INT stop, HUP looks at the users file, CHLD reaps; they are blocked
 * from here on, in forks too until these unblock them. 0 or -errno */
int signals_open(struct master *m);
void signals_close(struct master *m);

#endif
