/* When a login is answered: after the delay due to earlier failures of its name
 * and address, whether right or wrong. A wrong one is answered at a multiple of
 * login_delay, so that the time tells nothing about the work. */
#ifndef SALLYPORT_SRC_MASTER_SESSIONS_ANSWER_H
#define SALLYPORT_SRC_MASTER_SESSIONS_ANSWER_H

#include <stdint.h>

struct master;
struct session;
struct verdict;

/* Returns the milliseconds from NOW to the first multiple of STEP since ASKED
 * that is later than NOW and at least LEAST ms away. */
uint64_t answer_wrong_in(uint64_t asked, uint64_t now, uint64_t least,
                         uint64_t step);
/* Works out the delay of a login for its verdict, and then counts the verdict.
 * Call it also if the session has gone. */
void answer_count(struct master *m, struct verdict *v);
/* Lets S wait: in SESSION_DELAYED for its answer, or in SESSION_HELD if as many
 * logins of its address as permitted are being delayed. */
void answer_wait(struct session *s);
/* Takes the next logins out of SESSION_HELD. Call it when a delay is over, or
 * when an address has become known. */
void answer_next(struct master *m);

#endif
