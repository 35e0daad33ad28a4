/* The control connection: replies and lines. */
#ifndef SALLYPORT_SRC_SESSION_CONTROL_H
#define SALLYPORT_SRC_SESSION_CONTROL_H

#include "session.h"

void control_start(struct session *s, int fd);

/* Queues one reply and sends what goes. */
void control_reply(struct session *s, enum reply r);
void control_reply_with(struct session *s, enum reply r, struct slice a,
                        struct slice b);
/* For multi-line replies: build into s->control.out, then control_flush(). */
void control_flush(struct session *s);

/* Looks at the next lines: call when something that held them back is over. */
void control_continue(struct session *s);
/* AUTH: from here on only TLS. */
void control_secure(struct session *s);

/* The last reply (REPLY_COUNT: none), then the orderly end. */
void control_end(struct session *s, enum ending ending, enum reply last,
                 struct slice argument);
#define NOTHING ((struct slice){ "", 0 })

#endif
