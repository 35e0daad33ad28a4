/* The reply at the end of a transfer or change, and its event. */
#ifndef SALLYPORT_SRC_SESSION_VERDICT_H
#define SALLYPORT_SRC_SESSION_VERDICT_H

#include "report.h"

void verdict_init(struct session *s);
/* For a transfer. Replies as soon as the event is in log's socket;
 * transfer_run(WAITS_LOG) follows. A and B are the reply's arguments; B is also
 * where an upload was stored. If the event can't be sent in time, a reply of
 * success becomes a 451. All texts are copied. */
void verdict_give(struct session *s, enum reply r, struct slice a,
                  struct slice b, const char *reason);
/* The same for a change. M is the answer of files: the reply is DONE with its
 * arguments, or the refusal. No line of the client is read before. */
void verdict_of_change(struct session *s, const struct message *m,
                       const struct change *c, enum reply done, struct slice a,
                       struct slice b);
/* The same for anything else that fails: R, without arguments. */
void verdict_of(struct session *s, const struct event_record *e, enum reply r);
/* The next reply ends an aborted transfer: ABOR's own reply follows it. */
void verdict_of_abor(struct session *s);
/* Log may take more than before: tries again. */
void verdict_retry(struct session *s);
/* The session ends: the event that waits is put into the queue. */
void verdict_force(struct session *s);
/* It ends now: the same, and a change that files hasn't answered is logged. */
void verdict_end(struct session *s);

#endif
