/* A sallyportctl, as the tests of master play it. */
#ifndef TESTS_UNIT_MASTER_CALLER_H
#define TESTS_UNIT_MASTER_CALLER_H

#include "sallyport/ipc/shown.h"
#include "stage.h"

struct caller {
    struct channel channel;
    uint32_t request;
};
extern struct caller ctl; /* the usual caller of a test */

/* Defines a test of a stage to which the sallyportctl `ctl` is connected. */
#define CallerTest(suite, name, adjust)                                        \
    StageTest(suite, name, (stage_open(adjust), caller_enter(&ctl)),           \
              (caller_leave(&ctl), stage_close()))

/* Connects, but doesn't receive WELCOME. Returns the descriptor. */
int caller_connect(void);
/* Connects and receives WELCOME. */
void caller_enter(struct caller *c);
void caller_leave(struct caller *c);
/* Sends the request M with empty fields. Doesn't wait for the answer. */
void caller_asks(struct caller *c, enum message_kind m);
/* Receives the next answer, which must be M. */
void caller_hears(struct caller *c, enum message_kind m, struct message *p);
void caller_is_refused(struct caller *c, enum refusal why);
/* Sends `users_changed`. */
void caller_edits(struct caller *c);
/* Sends `show`: WHAT, from PLACE on. */
void caller_looks(struct caller *c, enum showable what, uint64_t place);
/* Returns the value of NAME in the row M, or "". The text is valid until the
 * fourth call after this one. */
const char *row_value(const struct message *m, const char *name);
/* Asks for the status. Returns the value of NAME in the last row of TABLE, or
 * "" if there is no such row. */
const char *caller_reads(struct caller *c, const char *table, const char *name);

#endif
