/* Signals as events of the loop. */
#ifndef SALLYPORT_SRC_MASTER_GENERATIONS_SIGNALS_H
#define SALLYPORT_SRC_MASTER_GENERATIONS_SIGNALS_H

struct master;

/* Opens the descriptor and blocks the signals: TERM stops, INT stops or ends
 * the sessions of a draining generation, CHLD reaps. Forks inherit the mask
 * until they unblock it. Returns 0 or -errno. */
int signals_open(struct master *m);
void signals_close(struct master *m);

#endif
