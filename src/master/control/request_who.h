/* The sessions, for sallyportctl. */
#ifndef SALLYPORT_SRC_MASTER_CONTROL_REQUEST_WHO_H
#define SALLYPORT_SRC_MASTER_CONTROL_REQUEST_WHO_H

#include "peer.h"

/* Sends up to a page of sessions, from place FROM of the table on, and where
 * the next page begins. */
void request_who(struct peer *p, uint64_t from);
/* Kicks the sessions that MSG selects. Returns their number. */
size_t request_end_sessions(struct master *m,
                            const struct msg_end_sessions *msg);

#endif
