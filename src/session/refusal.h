/* Commands of a logged-in user that rights, limits or settings forbid: each is
 * an event, or is counted in one. */
#ifndef SALLYPORT_SRC_SESSION_REFUSAL_H
#define SALLYPORT_SRC_SESSION_REFUSAL_H

#include "session.h"

void refusal_init(struct session *s);
/* The command that is being dispatched. Its path is s->subject; else its
 * argument ARG is logged, and must live until refusal_dispatched(). */
void refusal_expect(struct session *s, const struct command *c, bool has_path,
                    struct slice arg);
void refusal_dispatched(struct session *s);
/* R goes to the client, with its first argument: an event, if R refuses the
 * command. */
void refusal_note(struct session *s, enum reply r, struct slice argument);
/* The session ends: sends what is only counted so far. */
void refusal_end(struct session *s);

#endif
