/* The real master in a fork, with the test as its supervisor. */
#ifndef TESTS_UNIT_MASTER_SUPERVISED_H
#define TESTS_UNIT_MASTER_SUPERVISED_H

#include "stage.h"

extern struct channel supervised_channel; /* to master */

/* Starts master and plays its children up to READY of all and `up`. ADJUST may
 * change deadlines; NULL: nothing. */
void supervised_raise(struct stage *s, void (*adjust)(struct master *m));
/* The same; then this generation leads, and gate serves. */
void supervised_open(struct stage *s, void (*adjust)(struct master *m));
void supervised_gate_serves(struct stage *s);
/* The next message, which must be that one. What master keeps there is passed
 * over. */
void supervised_hears(enum message_kind kind, struct packet *p);

#endif
