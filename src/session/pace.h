/* How fast a transfer must move. */
#ifndef SALLYPORT_SRC_SESSION_PACE_H
#define SALLYPORT_SRC_SESSION_PACE_H

#include "session.h"

void pace_init(struct session *s);
/* Bytes flow: stall_timeout begins again. */
void pace_begin(struct session *s);

#endif
