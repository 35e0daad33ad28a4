/* The real master in a fork, with the test as its supervisor. */
#ifndef TESTS_UNIT_MASTER_SUPERVISED_H
#define TESTS_UNIT_MASTER_SUPERVISED_H

#include "stage.h"

extern struct channel supervised_channel; /* to master */

/* Starts master; all of its children run, and none is READY. ADJUST may change
 * deadlines; NULL: it changes nothing. */
void supervised_begin(void (*adjust)(struct master *m));
/* Plays its children up to READY of all and `up`. */
void supervised_come_up(void);
/* Both of these. */
void supervised_raise(void (*adjust)(struct master *m));
/* Does the same; then this generation leads, and gate serves. */
void supervised_open(void (*adjust)(struct master *m));
void supervised_gate_serves(void);
/* Another generation leads: this one retires, and gate has heard it. */
void supervised_replaces(void);
/* Waits until master has handled all that the test has sent. */
void supervised_heard(void);
/* Receives the next message, which must be KIND. Descriptors that master keeps
 * are skipped. */
void supervised_hears(enum message_kind kind, struct message *p);

/* The table of the sessions of a generation, as another master would see it. A
 * test makes it before it starts master, lets master use it by an ADJUST, and
 * then maps it. */
void supervised_make_rosters(void);
/* For an ADJUST: this generation writes the one, and finds the other one. */
void supervised_uses_own(struct master *m);
void supervised_uses_older(struct master *m);
struct roster *supervised_own(void);
struct roster *supervised_older(void);
void supervised_drop_rosters(void);
/* Waits until a row of R gets that order; returns its number. */
size_t supervised_ordered(struct roster *r, unsigned what);
/* Waits until R has the session with that serial, and F is true for it, or F is
 * NULL; *ret: what the roster says of it. Returns its row. */
size_t supervised_shows(struct roster *r, uint64_t serial,
                        bool (*f)(const struct roster_facts *now),
                        struct roster_facts *ret);

/* A test of a generation that retires, and ends by itself. */
#define RetireTest(suite, name, adjust)                                        \
    StageTest(suite, name, supervised_open(adjust), stage_ends())

#endif
