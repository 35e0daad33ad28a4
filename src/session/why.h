/* Why a session ended, as far as an administrator can do something about it. */
#ifndef SALLYPORT_SRC_SESSION_WHY_H
#define SALLYPORT_SRC_SESSION_WHY_H

#include "session.h"

/* The first byte or line is another protocol's: noted for the end's event. */
void why_foreign_byte(struct session *s, char byte);
void why_foreign_line(struct session *s, const char *protocol);
/* CAUSE, or what is known about a session that ended without one. */
const char *why_end(const struct session *s, enum ending ending,
                    const char *cause);

#endif
