/* Rounds of uploads by real clients that something disturbs: whatever a client
 * was told is there is there, and nothing else can be seen. */
#ifndef TESTS_SYSTEM_BATCH_H
#define TESTS_SYSTEM_BATCH_H

#include "support/run.h"
#include "support/server.h"

#define BATCH_FILES   12
#define BATCH_CLIENTS 2

struct batch {
    struct server server;         /* runs, with the user "anna" */
    char folder[SERVER_PATH_MAX]; /* the files to be sent */
    unsigned char *bytes[BATCH_FILES];
    unsigned confirmed; /* of all rounds */
};

void batch_prepare(struct batch *b);
void batch_release(struct batch *b);
/* Each client sends all files into a directory of its own of this round. */
void batch_begin(const struct batch *b, unsigned round,
                 struct running clients[BATCH_CLIENTS]);
/* Waits for their ends. Fails if a file that had its 226 isn't there, or not
 * whole, or if a part of one can be seen. How many had it. */
unsigned batch_finish(struct batch *b, unsigned round,
                      struct running clients[BATCH_CLIENTS]);
/* A round that nothing disturbs: all is confirmed. How many ms it takes. Also
 * over what another one has left. */
unsigned batch_undisturbed(struct batch *b, unsigned round);
/* Removes what a round has left. */
void batch_clean(const struct batch *b, unsigned round);
void batch_pause(unsigned ms);

#endif
