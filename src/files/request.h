/* The requests of a session, and the one of sallyportctl. Each handler returns
 * 0 when it has answered; else an enum outcome or -errno, and files.c answers
 * with `refused`. */
#ifndef FILES_REQUEST_H
#define FILES_REQUEST_H

#include "state.h"

int read_on_file_read(void *owner, struct msg_file_read *m);
int upload_on_file_write(void *owner, struct msg_file_write *m);
int commit_on_file_begin(void *owner, struct msg_file_begin *m);
int commit_on_file_copy(void *owner, struct msg_file_copy *m);
int commit_on_file_sync(void *owner, struct msg_file_sync *m);
int commit_on_file_room(void *owner, struct msg_file_room *m);
int commit_on_file_prepare(void *owner, struct msg_file_prepare *m);
int commit_on_file_commit(void *owner, struct msg_file_commit *m);
int commit_on_file_abort(void *owner, struct msg_file_abort *m);
int change_on_file_delete(void *owner, struct msg_file_delete *m);
int list_on_directory_list(void *owner, struct msg_directory_list *m);
int change_on_directory_enter(void *owner, struct msg_directory_enter *m);
int change_on_directory_make(void *owner, struct msg_directory_make *m);
int change_on_directory_remove(void *owner, struct msg_directory_remove *m);
int change_on_rename(void *owner, struct msg_rename *m);
int attributes_on_times(void *owner, struct msg_times *m);
int attributes_on_mode(void *owner, struct msg_mode *m);
int attributes_on_space(void *owner, struct msg_space *m);
int facts_on_facts(void *owner, struct msg_facts *m);
int partials_on_find(void *owner, struct msg_partials_find *m);

/* ANSWER(f, space_is, m->request, .bytes = n): sends the message as the answer
 * to that request, and returns 0, so that a handler can end with it. A session
 * that is gone ends the main loop; one that doesn't read its answers ends the
 * process. */
#define ANSWER(f, name, ...) ANSWER_WITHIN(f, ANSWER_MS, name, __VA_ARGS__)
/* The same for a peer that may read slowly, for at most MS. */
#define ANSWER_WITHIN(f, ms, name, ...)                                        \
    files_answer(f, ms, MSG_##name, MESSAGE_BODY(name, __VA_ARGS__))
#define ANSWER_MS 2000
int files_answer(struct files *f, uint64_t ms, enum message_kind kind,
                 const void *body);

/* One event for an upload whose session died before it could report it. */
void death_report(struct files *f);

/* The length that SIZE reported for that name no longer counts. */
void commit_forget_told(struct files *f, const struct upload *u);
/* Ends an open upload as if it were cut: it is kept for a resume, or deleted.
 */
void commit_cut(struct files *f);

#endif
