/* The sessions, for sallyportctl. */
#ifndef SALLYPORT_SRC_MASTER_CONTROL_REQUEST_WHO_H
#define SALLYPORT_SRC_MASTER_CONTROL_REQUEST_WHO_H

#include "peer.h"

/* Tells the sessions from that place of the table on, up to a page of them, and
 * where the next page begins. */
void request_who(struct peer *p, uint64_t from);
/* Kicks the sessions that MSG means: how many. */
size_t request_end_sessions(struct master *m,
                            const struct msg_end_sessions *msg);

#endif
