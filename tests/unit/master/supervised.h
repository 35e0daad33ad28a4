/* The real master in a fork, with the test as its supervisor. */
#ifndef TESTS_UNIT_MASTER_SUPERVISED_H
#define TESTS_UNIT_MASTER_SUPERVISED_H

#include "stage.h"

extern struct channel supervised_channel; /* to master */

/* Starts master; all of its children run, and none is READY. ADJUST may change
 * deadlines; NULL: it changes nothing. */
void supervised_begin(struct stage *s, void (*adjust)(struct master *m));
/* Plays its children up to READY of all and `up`. */
void supervised_come_up(struct stage *s);
/* Both of these. */
void supervised_raise(struct stage *s, void (*adjust)(struct master *m));
/* Does the same; then this generation leads, and gate serves. */
void supervised_open(struct stage *s, void (*adjust)(struct master *m));
void supervised_gate_serves(struct stage *s);
/* Receives the next message, which must be KIND. Descriptors that master keeps
 * are skipped. */
void supervised_hears(enum message_kind kind, struct message *p);

#endif
