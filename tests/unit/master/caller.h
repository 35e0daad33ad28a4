/* A sallyportctl, as the tests of master play it. */
#ifndef TESTS_UNIT_MASTER_CALLER_H
#define TESTS_UNIT_MASTER_CALLER_H

#include "sallyport/ipc/shown.h"
#include "stage.h"

extern struct channel ctl; /* the usual caller of a test */

/* Defines a test of a stage to which the sallyportctl `ctl` is connected. */
#define CallerTest(suite, name, adjust)                                        \
    StageTest(suite, name, (stage_open(adjust), caller_enter(&ctl)),           \
              (channel_close(&ctl), stage_close()))

/* Connects, but doesn't receive WELCOME. Returns the descriptor. */
int caller_connect(void);
/* Connects and receives WELCOME. channel_close() disconnects. */
void caller_enter(struct channel *c);
void caller_is_refused(struct channel *c, enum refusal why);
/* Sends `users_changed`. */
void caller_edits(struct channel *c);
/* Sends `show`: WHAT, from PLACE on. */
void caller_looks(struct channel *c, enum showable what, uint64_t place);
/* Returns the value of NAME in the row that is `heard`, or "". The text is
 * valid until the fourth call after this one. */
const char *row_value(const char *name);
/* Asks for the status. Returns the value of NAME in the last row of TABLE, or
 * "" if there is no such row. */
const char *caller_reads(struct channel *c, const char *table,
                         const char *name);

#endif
