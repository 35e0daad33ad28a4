/* Clients of a server under test that continue until the test stops them,
 * each a process of its own. A client that is refused, cut, or gets wrong bytes
 * fails the test with its own words. */
#ifndef TESTS_SYSTEM_LOAD_H
#define TESTS_SYSTEM_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "support/server.h"

#define LOAD_CLIENTS 16

enum load_kind {
    LOAD_LOGINS,    /* one session after the other: login, NOOP, QUIT */
    LOAD_UPLOADS,   /* a session, a file in pieces, QUIT; the file is whole */
    LOAD_DOWNLOADS, /* the same for a file larger than all buffers */
    LOAD_KINDS
};

/* In memory that the test and its clients share. */
struct load_score {
    volatile bool stop;
    volatile uint64_t done[LOAD_CLIENTS];
};

struct load {
    struct load_score *score;
    unsigned count;
    pid_t pid[LOAD_CLIENTS];
};

/* Starts the given number of clients of each kind, as USER. */
void load_start(struct load *l, const struct server *s, const char *user,
                const unsigned clients[LOAD_KINDS]);
/* Fails the test if a client has failed. */
void load_check(const struct load *l);
/* Waits until each client has finished one more round. */
void load_wait(const struct load *l);
/* Lets each client finish its round. Returns the number of all rounds. */
uint64_t load_stop(struct load *l);

#endif
