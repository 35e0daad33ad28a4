/* A sallyportctl, as the tests of master play it. */
#ifndef TESTS_UNIT_MASTER_CALLER_H
#define TESTS_UNIT_MASTER_CALLER_H

#include "stage.h"

struct caller {
    struct channel channel;
    uint32_t request;
};

/* Connects, and receives nothing yet. Returns the descriptor. */
int caller_connect(const struct stage *s);
/* Connects and receives WELCOME. */
void caller_enter(const struct stage *s, struct caller *c);
void caller_leave(struct caller *c);
/* Sends a request without waiting. */
void caller_asks(struct caller *c, enum message_kind m);
/* Receives the next answer, which must be M. */
void caller_hears(struct caller *c, enum message_kind m, struct message *p);
void caller_is_refused(struct caller *c, enum refusal why);
/* Gets all numbers of STATUS. */
void caller_gets_status(struct caller *c, uint64_t value[6]);

#endif
