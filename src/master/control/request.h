/* The requests of sallyportctl: each has a row and a function. */
#ifndef SALLYPORT_SRC_MASTER_CONTROL_REQUEST_H
#define SALLYPORT_SRC_MASTER_CONTROL_REQUEST_H

#include "peer.h"

/* Serves the messages that have arrived. Returns as channel_dispatch(). */
int request_dispatch(struct peer *p);
/* The process files for PARTIALS is ready; or it has failed. */
void request_home_ready(void *owner);
void request_home_lost(struct peer *p);
/* The reload that P asked for has ended. WRONG: why it failed; NULL: a new
 * generation leads. */
void request_reloaded(struct peer *p, const char *wrong);

#endif
