/* Signals as events of master's loop. */
#ifndef SALLYPORT_SRC_MASTER_GENERATIONS_REAP_H
#define SALLYPORT_SRC_MASTER_GENERATIONS_REAP_H

struct master;

/* TERM stops, INT stops or ends the sessions of a draining generation, CHLD
 * reaps. Returns 0 or -errno. */
int reap_start(struct master *m);

#endif
