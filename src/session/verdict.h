/* The last word on a transfer, or on a change: its reply, and its event. */
#ifndef SALLYPORT_SRC_SESSION_VERDICT_H
#define SALLYPORT_SRC_SESSION_VERDICT_H

#include "report.h"

void verdict_init(struct session *s);
/* Of a transfer. Replies as soon as the event is in log's socket;
 * transfer_settled() follows. A and B are the reply's arguments, B also where
 * an upload was stored. Can't it be there in time, a reply that says success
 * becomes a 451. All three texts are copied. */
void verdict_give(struct session *s, enum reply r, struct slice a,
                  struct slice b, const char *reason);
/* The same for a change that files has answered by P: DONE with its arguments,
 * or why not. No line of the client's is read before. */
void verdict_of_change(struct session *s, const struct packet *p,
                       const struct change *c, enum reply done, struct slice a,
                       struct slice b);
/* And for anything else, which fails: R, without arguments. */
void verdict_of(struct session *s, const struct event_record *e, enum reply r);
/* The next one is of an ABOR, whose own reply comes behind it. */
void verdict_of_abor(struct session *s);
/* Log may take more than before. */
void verdict_retry(struct session *s);
/* The session ends: what is held is reported, if that goes. */
void verdict_force(struct session *s);
/* It ends now: so is a change that files hasn't answered. */
void verdict_end(struct session *s);

#endif
