/* The control connection: replies and lines. */
#ifndef SALLYPORT_SRC_SESSION_CONTROL_H
#define SALLYPORT_SRC_SESSION_CONTROL_H

#include "session.h"

void control_start(struct session *s, int fd);

/* Queues one reply and sends what goes. */
void control_reply(struct session *s, enum reply r);
void control_reply_with(struct session *s, enum reply r, struct slice a,
                        struct slice b);
/* The same for a reply whose event is in the log already. */
void control_reply_logged(struct session *s, enum reply r, struct slice a,
                          struct slice b);
/* For multi-line replies: build into s->control.out, then control_flush(). */
void control_flush(struct session *s);

/* Looks at the next lines: call when something that held them back is over. */
void control_continue(struct session *s);
/* AUTH: from here on only TLS. */
void control_secure(struct session *s);
/* A handshake that waited for keys. */
void control_go_on(struct session *s);

/* The last reply, then the orderly end. A transfer ends now, and LAST is its
 * final reply too; but where files is making an upload visible its answer comes
 * first. ARGUMENT then counts for nothing: no such LAST has one. */
void control_end(struct session *s, enum ending ending, enum reply last,
                 struct slice argument);
/* A transfer is over: what waited for that. */
void control_transferred(struct session *s);
/* A data connection has ended for good: the same. */
void control_lingered(struct session *s);
/* The process ends now: what can be said without waiting. */
void control_part(struct session *s);

/* Between control.c and control_end.c: what the socket is waited for; it is
 * ready, and the end has begun. */
void control_wait(struct session *s);
void control_closing(struct session *s);

#define NOTHING ((struct slice){ "", 0 })

#endif
