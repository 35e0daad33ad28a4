/* Other FTPS servers; tests/system/peers/serve starts them. */
#ifndef TESTS_SYSTEM_PEER_H
#define TESTS_SYSTEM_PEER_H

#include <sys/types.h>

#include "desk.h"

struct peer {
    char name[16], user[16], dir[16]; /* DIR: in which the user may write */
};

#define PEERS 4
extern const struct peer peers[PEERS];

/* Starts the server, and fills in the desk's url and ca. Returns the server's
 * pid. */
pid_t peer_start(const struct peer *p, struct desk *d);
void peer_stop(pid_t pid);

#endif
