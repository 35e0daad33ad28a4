/* A sallyportctl as the tests of master play it. */
#ifndef TESTS_UNIT_MASTER_CALLER_H
#define TESTS_UNIT_MASTER_CALLER_H

#include "stage.h"
#include "support/packet.h"

struct caller {
    struct channel channel;
    uint32_t request;
};

/* Connects, and hears no word yet; the descriptor. */
int caller_connect(const struct stage *s);
/* Connects and is welcomed. */
void caller_enter(const struct stage *s, struct caller *c);
void caller_leave(struct caller *c);
/* Asks, without waiting. NAME: of a user, or NULL. */
void caller_asks(struct caller *c, enum message_kind m, const char *name);
/* The next answer, which must be that one. */
void caller_hears(struct caller *c, enum message_kind m, struct packet *p);
void caller_is_refused(struct caller *c, enum refusal why);
/* All of STATUS. */
void caller_gets_status(struct caller *c, uint64_t value[6]);
/* PARTIALS of anna up to a files that works for it; *DATA is ctl's end. */
void caller_gets_files(struct stage *s, struct caller *c, struct actor *files,
                       struct channel *data);

#endif
