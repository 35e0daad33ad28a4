/* From a line to a handler, by the command's row. */
#ifndef SALLYPORT_SRC_SESSION_DISPATCH_H
#define SALLYPORT_SRC_SESSION_DISPATCH_H

#include "session.h"

enum dispatched { DISPATCH_DONE, DISPATCH_HOLD };

/* DISPATCH_HOLD: give the line again when the transfer is over. */
enum dispatched dispatch_line(struct session *s, struct slice line);

/* 550 with the names of the missing rights: enum right bits. */
void dispatch_refuse_right(struct session *s, unsigned lacking);

typedef void handler_fn(struct session *s, const struct call *call);
/* By verb; NULL only for verbs whose rows refuse them. */
extern handler_fn *const handlers[VERB_COUNT];

#endif
