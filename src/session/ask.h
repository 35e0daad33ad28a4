/* Requests of this session to files: one at a time, each with a deadline. */
#ifndef SALLYPORT_SRC_SESSION_ASK_H
#define SALLYPORT_SRC_SESSION_ASK_H

#include <sys/types.h>

#include "session.h"

/* THEN gets the answer: one whose row answers MESSAGE, MSG_DONE or
 * MSG_REFUSED. No other request may be under way. */
void ask_files(struct session *s, struct packet *p, answer_fn *then);
/* The same for requests that begin with a path, which becomes s->subject. */
void ask_path(struct session *s, enum message m, const struct path *path,
              uint64_t number, answer_fn *then);
/* Has files been asked to change something, and not answered? */
bool ask_is_change(const struct session *s);
/* The session ends before files has answered: if that was a change, the log
 * hears of it all the same. */
void ask_unanswered(struct session *s);
/* Takes over the answer that is still to come (a listing's second one). */
void ask_again(struct session *s, answer_fn *then);
/* From here on that answer has a deadline again. */
void ask_hurry(struct session *s);

/* The channel to files, once master has granted it. */
void ask_start(struct session *s, int fd);

/* The descriptor in an answer: ends the session if it isn't of KIND (S_IFREG,
 * S_IFIFO). A files that hands out a folder has been taken over. */
int ask_descriptor(struct session *s, struct packet *p, mode_t kind);

/* The reply for a refusal: 550, 552, …; *cause, the reply's
 * argument, for the log too; it lives until the next refusal. */
enum reply ask_refusal(struct session *s, const struct packet *p,
                       const char **cause);
/* True: it is a refusal, and the client has got that reply. */
bool ask_refused(struct session *s, struct packet *p);
enum reply outcome_reply(enum outcome o);
const char *outcome_cause(enum outcome o);

#endif
