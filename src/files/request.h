/* The requests of a session, and the one of ctl. Each function serves one: 0
 * when it has answered; else an enum outcome or -errno, and files.c answers
 * with REFUSED. */
#ifndef FILES_REQUEST_H
#define FILES_REQUEST_H

#include "state.h"

int serve_read(struct files *f, const struct packet *p);
int serve_write(struct files *f, const struct packet *p);
int serve_begin(struct files *f, const struct packet *p);
int serve_copy(struct files *f, const struct packet *p);
int serve_sync(struct files *f, const struct packet *p);
int serve_room(struct files *f, const struct packet *p);
int serve_commit(struct files *f, const struct packet *p);
int serve_abort(struct files *f, const struct packet *p);
int serve_delete(struct files *f, const struct packet *p);
int serve_list(struct files *f, const struct packet *p);
int serve_enter(struct files *f, const struct packet *p);
int serve_make(struct files *f, const struct packet *p);
int serve_remove(struct files *f, const struct packet *p);
int serve_rename(struct files *f, const struct packet *p);
int serve_times(struct files *f, const struct packet *p);
int serve_mode(struct files *f, const struct packet *p);
int serve_space(struct files *f, const struct packet *p);
int serve_facts(struct files *f, const struct packet *p);
int serve_partials(struct files *f, const struct packet *p);

/* Sends REPLY as the answer to REQUEST. A session that is gone ends the main
 * loop; one that doesn't read its answers ends the process. */
void answer(struct files *f, const struct packet *request,
            struct packet *reply);
/* The same for one that may read slowly, for at most MS. */
void answer_within(struct files *f, const struct packet *request,
                   struct packet *reply, uint64_t ms);
/* DONE; returns 0, so that a request can end with it. */
int answer_done(struct files *f, const struct packet *request);

/* One event of an upload whose session died before it could tell of it. */
void death_report(struct files *f);

/* What SIZE said of a partial of that name counts no more. */
void upload_forget_told(struct files *f, const struct upload *u);
/* An upload that is open ends as if cut: kept for a resume, or deleted. */
void upload_cut(struct files *f);

#endif
