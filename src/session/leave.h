/* The end of a session, in one place. */
#ifndef SALLYPORT_SRC_SESSION_LEAVE_H
#define SALLYPORT_SRC_SESSION_LEAVE_H

#include <stdnoreturn.h>

#include "session.h"

/* At once: the event, and _exit(ending). CAUSE is for the log, "" for none. */
noreturn void leave(struct session *s, enum ending ending, const char *cause);
/* Another process lied or is gone. */
noreturn void leave_peer(struct session *s, enum process peer, int error,
                         const struct channel *c);
/* Takes up held and buffered lines; after anything asynchronous is over. */
void session_continue(struct session *s);

#endif
