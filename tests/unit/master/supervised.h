/* Functions that run the real master in a fork, with the test as its
 * supervisor. */
#ifndef TESTS_UNIT_MASTER_SUPERVISED_H
#define TESTS_UNIT_MASTER_SUPERVISED_H

#include "stage.h"

extern struct channel supervised_channel; /* to master */

/* Starts master; log, keys and auth run, and none has sent READY. ADJUST can
 * change settings and deadlines; NULL: they stay as usual in tests. */
void supervised_begin(void (*adjust)(struct master *m));
/* Plays master's children until each has sent READY, and receives UP. */
void supervised_come_up(void);
/* Calls supervised_begin() and supervised_come_up(). */
void supervised_raise(void (*adjust)(struct master *m));
/* Does the same as supervised_raise(). Then master's generation leads, and gate
 * serves. */
void supervised_open(void (*adjust)(struct master *m));
void supervised_gate_serves(void);
/* Tells master that another generation leads. Master retires, and tells gate to
 * stop accepting. */
void supervised_replaces(void);
/* Waits until master has handled all that the test has sent. */
void supervised_heard(void);

/* Functions for rosters: the tables of a generation's sessions, which another
 * master sees. A test makes the rosters before it starts master, and lets
 * master use one by an ADJUST. */
void supervised_make_rosters(void);
/* Functions for ADJUST: master writes its own roster, or finds the roster of an
 * older generation. */
void supervised_uses_own(struct master *m);
void supervised_uses_older(struct master *m);
struct roster *supervised_own(void);
struct roster *supervised_older(void);
void supervised_drop_rosters(void);
/* Waits until a row of R has the order WHAT. Returns the number of the row. */
size_t supervised_ordered(struct roster *r, unsigned what);
/* Waits until R has session SERIAL, and F returns true for its facts; F can be
 * NULL. *RET gets the facts. Returns the number of the session's row. */
size_t supervised_shows(struct roster *r, uint64_t serial,
                        bool (*f)(const struct roster_facts *now),
                        struct roster_facts *ret);

/* Defines a test of a generation that retires, and ends by itself. */
#define RetireTest(suite, name, adjust)                                        \
    StageTest(suite, name, supervised_open(adjust), stage_ends())

#endif
