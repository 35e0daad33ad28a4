/* What sallyportctl asks: a row and a function each. */
#ifndef SALLYPORT_SRC_MASTER_CONTROL_REQUEST_H
#define SALLYPORT_SRC_MASTER_CONTROL_REQUEST_H

#include "peer.h"

/* Serves what has come: as channel_dispatch(). */
int request_dispatch(struct peer *p);
/* The files that PARTIALS asked for is ready, or won't be. */
void request_home_ready(struct peer *p);
void request_home_lost(struct peer *p);
/* The reload that it asked for has ended. WRONG: why it failed; NULL: a new
 * generation leads. */
void request_reloaded(struct peer *p, const char *wrong);

#endif
