/* What sallyportctl asks: a row and a function each. */
#ifndef SALLYPORT_SRC_MASTER_REQUEST_H
#define SALLYPORT_SRC_MASTER_REQUEST_H

#include "control.h"

/* Serves what has come: as channel_dispatch(). */
int request_dispatch(struct control_peer *p);
/* The files that PARTIALS asked for is ready, or won't be. */
void request_home_ready(struct control_peer *p);
void request_home_lost(struct control_peer *p);

/* Answers who asked for the reload of that number (succession_renew()); 0: it
 * is for the log alone. WRONG: why it failed; NULL: a new generation leads. */
void request_renewed(struct master *m, uint32_t number, const char *wrong);

#endif
