/* What an upload asks of files beside its bytes: one request at a time. */
#ifndef SALLYPORT_SRC_SESSION_UPLOAD_ASKS_H
#define SALLYPORT_SRC_SESSION_UPLOAD_ASKS_H

#include "session.h"

/* Asks for what is due, a sync or a piece of the copy, unless files is asked
 * something already. Each answer asks for the next. */
void upload_ask_beside(struct session *s);
/* Calls THEN once files has answered what is under way; at once if nothing is.
 * THEN is dropped when the upload fails. */
void upload_ask_after(struct session *s, void (*then)(struct session *));
/* For each answer that comes while the upload may have failed: false when there
 * is nothing more to do with it. */
bool upload_answered(struct session *s, struct packet *p);

#endif
