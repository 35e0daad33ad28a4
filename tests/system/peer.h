/* Other FTPS servers; tests/system/peers/serve starts them. */
#ifndef TESTS_SYSTEM_PEER_H
#define TESTS_SYSTEM_PEER_H

#include <sys/types.h>

#include "desk.h"

struct peer {
    char name[16], user[16], dir[16]; /* DIR: where the user may write */
};

#define PEERS 4
extern const struct peer peers[PEERS];

/* Starts it, and fills in the desk's url and ca. LIMIT: a limit of
 * tests/system/peers/serve, or "". */
pid_t peer_start(const struct peer *p, struct desk *d, const char *limit);
void peer_stop(pid_t pid);

#endif
