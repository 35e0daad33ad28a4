/* Commands of a logged-in user that rights, limits or settings forbid: each is
 * an event, or counted in one. */
#ifndef SALLYPORT_SRC_SESSION_REFUSAL_H
#define SALLYPORT_SRC_SESSION_REFUSAL_H

#include "session.h"

void refusal_init(struct session *s);
/* The command that is dispatched: its path is s->subject, or its argument ARG
 * is logged as it stands. ARG must live until refusal_dispatched(). */
void refusal_expect(struct session *s, const struct command *c, bool has_path,
                    struct slice arg);
void refusal_dispatched(struct session *s);
/* R goes to the client, with its first argument. An event, if R refuses that
 * command. */
void refusal_note(struct session *s, enum reply r, struct slice argument);
/* The session ends: what is only counted yet. */
void refusal_end(struct session *s);

#endif
