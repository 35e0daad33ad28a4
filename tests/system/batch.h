/* Rounds of uploads by real clients that something disturbs. A file with a
 * 226 must be there, and nothing else may be visible. */
#ifndef TESTS_SYSTEM_BATCH_H
#define TESTS_SYSTEM_BATCH_H

#include "support/run.h"
#include "support/server.h"

#define BATCH_FILES   12
#define BATCH_CLIENTS 2

struct batch {
    struct server server;         /* running, with the user "anna" */
    char folder[SERVER_PATH_MAX]; /* the files to send */
    unsigned char *bytes[BATCH_FILES];
    unsigned confirmed; /* in all rounds */
};

void batch_prepare(struct batch *b);
void batch_release(struct batch *b);
/* Starts the clients. Each sends all files into a directory of its own for this
 * round. */
void batch_begin(const struct batch *b, unsigned round,
                 struct running clients[BATCH_CLIENTS]);
/* Waits for the clients' ends. Fails if a file that had its 226 is missing or
 * not whole, or if a part of a file is visible. Returns how many files had
 * their 226. */
unsigned batch_finish(struct batch *b, unsigned round,
                      struct running clients[BATCH_CLIENTS]);
/* Runs a round that nothing disturbs, also over the files of another round: all
 * files must be confirmed. Returns the time in ms. */
unsigned batch_undisturbed(struct batch *b, unsigned round);
/* Removes the files of a round. */
void batch_clean(const struct batch *b, unsigned round);
void batch_pause(unsigned ms);

#endif
