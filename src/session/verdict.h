/* The last word on a transfer: its final reply, and its event. */
#ifndef SALLYPORT_SRC_SESSION_VERDICT_H
#define SALLYPORT_SRC_SESSION_VERDICT_H

#include "session.h"

void verdict_init(struct session *s);
/* Reports, then replies, as soon as log or the queue has a place for the event;
 * transfer_settled() follows. A and B are the reply's arguments, B also where
 * an upload was stored. Without a place in time a reply that says success
 * becomes a 451. All three texts are copied. */
void verdict_give(struct session *s, enum reply r, struct slice a,
                  struct slice b, const char *reason);
/* The next one is of an ABOR, whose own reply comes behind it. */
void verdict_of_abor(struct session *s);
/* Log may take more than before. */
void verdict_retry(struct session *s);
/* The session ends: what is held is reported, if that goes. */
void verdict_force(struct session *s);

#endif
