/* The requests of session to files: one at a time, each with a deadline. */
#ifndef SALLYPORT_SRC_SESSION_ASK_H
#define SALLYPORT_SRC_SESSION_ASK_H

#include <sys/types.h>

#include "session.h"

/* ASK(s, file_sync, then) asks files: each field of the list by its name. THEN
 * gets the answer: a message whose row answers this one, MSG_done or
 * MSG_refused. No other request may wait for its answer. */
#define ASK(session, name, then, ...)                                          \
    ask_files(session, MSG_##name,                                             \
              MESSAGE_BODY(name, ask_next(session), ##__VA_ARGS__), then)
void ask_files(struct session *s, enum message_kind kind, const void *body,
               answer_fn *then);
uint32_t ask_next(struct session *s);
/* The path of the next request: s->subject is set to it, too. */
struct slice ask_subject(struct session *s, const struct path *path);
/* Files was asked to change something, and hasn't answered. */
bool ask_is_change(const struct session *s);
/* The session ends before files has answered. If it was asked for a change, the
 * log gets an event without a result. */
void ask_unanswered(struct session *s);
/* THEN gets the next answer (the second one of a listing). */
void ask_again(struct session *s, answer_fn *then);
/* That answer has a deadline again. */
void ask_within(struct session *s, uint64_t ms);

/* The channel to files, once master has granted it. */
void ask_start(struct session *s, int fd);

/* The descriptor in an answer, which the caller owns. Ends the session if it
 * isn't of KIND (S_IFREG, S_IFIFO): a files process that sends a directory is
 * under an attacker's control. */
int ask_descriptor(struct session *s, int *fd, mode_t kind);

/* The reply to a refusal: 550, 552 and others. *cause is the reply's argument
 * and the log's reason; it lives until the next refusal. */
enum reply ask_refusal(struct session *s, const struct message *m,
                       const char **cause);
/* True: M is a refusal, and the client has its reply. */
bool ask_refused(struct session *s, struct message *m);
/* For SIZE and MDTM, which are for files. False: the client has its reply, to
 * anything else and to a refusal. In cmd_times.c. */
bool times_facts_of_file(struct session *s, struct message *m);
const char *ask_outcome_cause(enum outcome o);

#endif
