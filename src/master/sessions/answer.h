/* When a login is answered: right or wrong, after the delay that earlier
 * failures of its name and address have earned; wrong ones at a multiple of
 * login_delay, so that the time tells nothing of the work. */
#ifndef SALLYPORT_SRC_MASTER_SESSIONS_ANSWER_H
#define SALLYPORT_SRC_MASTER_SESSIONS_ANSWER_H

#include <stdint.h>

struct master;
struct session;
struct verdict;

/* Milliseconds from NOW to the first multiple of STEP since ASKED that is later
 * than NOW and not before LEAST ms have passed. */
uint64_t answer_wrong_in(uint64_t asked, uint64_t now, uint64_t least,
                         uint64_t step);
/* For the verdict of a login: its delay, before this one counts; then it
 * counts. Also where its session has gone. */
void answer_count(struct master *m, struct verdict *v);
/* S waits: in SESSION_DELAYED for its answer, or in SESSION_HELD while as many
 * of its address as may are being delayed. */
void answer_wait(struct session *s);
/* A delay is over, or an address has become known: the next ones of
 * SESSION_HELD. */
void answer_next(struct master *m);

#endif
