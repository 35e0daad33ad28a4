/* The control connection: replies and lines. */
#ifndef SALLYPORT_SRC_SESSION_CONTROL_H
#define SALLYPORT_SRC_SESSION_CONTROL_H

#include "session.h"

void control_start(struct session *s, int fd);

/* Queues one reply, and sends as much as possible. */
void control_reply(struct session *s, enum reply r);
void control_reply_with(struct session *s, enum reply r, struct slice argument);
void control_reply_number(struct session *s, enum reply r, uint64_t n);
/* The same with two arguments, for a reply that needs no event: it refuses
 * nothing, or its event is already in the log. */
void control_reply_pair(struct session *s, enum reply r, struct slice a,
                        struct slice b);
/* 501, with the syntax of the command. */
void control_bad_argument(struct session *s, const char *syntax);
/* For replies of several lines: build into s->control.out, then call the second
 * function. False: the client gets no more replies. */
bool control_hears(const struct session *s);
void control_flush(struct session *s);

/* To be called after any event of the loop: takes the lines that have arrived
 * already. Otherwise they would wait for the next byte. */
void control_resume(struct session *s);
/* Looks at the next lines, after whatever delayed them. */
void control_continue(struct session *s);
/* Reads all that the client has sent, now: its lines have their effect, or are
 * held, and its end is seen. The transfer and the process may end. */
void control_look(struct session *s);
/* The client has said QUIT, perhaps in a line that waits. */
bool control_has_quit(const struct session *s);
/* AUTH: only TLS from the next byte on. */
void control_secure(struct session *s);
/* The TLS handshake is complete, also in the states of the end. */
bool control_is_secure(const struct session *s);

/* Ends the session in order, with LAST as the last reply. A transfer ends now,
 * with LAST as its final reply. If files is storing an upload or making a
 * change, its answer comes first, and LAST is sent without ARGUMENT. */
void control_end(struct session *s, enum ending ending, enum reply last,
                 struct slice argument);
/* A transfer or a change is over: an end that waited for it continues. */
void control_transferred(struct session *s);
/* A data connection has ended for good: the end may have waited for it. */
void control_lingered(struct session *s);
/* The process ends now: sends what it can without waiting. */
void control_part(struct session *s);

/* For control_end.c: waits on the socket for what the state needs. For
 * control.c: the socket is ready, and the end has begun. */
void control_wait(struct session *s);
void control_closing(struct session *s);

#define NOTHING ((struct slice){ "", 0 })

#endif
