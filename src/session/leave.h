/* The end of the process, in one place. */
#ifndef SALLYPORT_SRC_SESSION_LEAVE_H
#define SALLYPORT_SRC_SESSION_LEAVE_H

#include <stdnoreturn.h>

#include "session.h"

/* Ends at once: the event, and _exit(ending). CAUSE is for the log, or "". */
noreturn void leave(struct session *s, enum ending ending, const char *cause);
/* PEER sent something wrong, or is gone. */
noreturn void leave_peer(struct session *s, enum process peer, int error,
                         const struct channel *c);
#endif
