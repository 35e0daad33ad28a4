/* The newest master, as a generation that drains knows it: it hears of each
 * session, and decides who must go. */
#ifndef SALLYPORT_SRC_MASTER_GENERATIONS_NEWEST_H
#define SALLYPORT_SRC_MASTER_GENERATIONS_NEWEST_H

#include <stdbool.h>

#include "sallyport/base/loop.h"
#include "sallyport/ipc/channel.h"

struct master;

struct newest {
    struct channel link; /* fd -1: none */
    struct loop_watch watch;
};

void newest_init(struct master *m);
void newest_release(struct master *m);
/* FD, which it takes, leads to the newest master from here on. */
void newest_follow(struct master *m, int fd);
/* For struct session_audience. */
bool newest_hears(struct master *m);
void newest_tell(struct master *m);

#endif
