/* The older generations, as the newest master knows them: a link to each of
 * their masters, and a record for each of their sessions. Only its own master
 * can end such a session's process, so master sends it an order (drain.c). */
#ifndef SALLYPORT_SRC_MASTER_GENERATIONS_OLDER_H
#define SALLYPORT_SRC_MASTER_GENERATIONS_OLDER_H

#include "link.h"
#include "sessions/session.h"

#define OLDER_MAX 8 /* older generations beside this one */

struct master;

struct older {
    struct master *master;
    uint64_t generation;
    struct link link;
};

void older_init(struct master *m);
/* Takes FD, the link to the master of that generation. If there is no place or
 * no memory, its sessions stay unknown here. */
void older_add(struct master *m, uint64_t generation, int fd);
/* Closes all links, and gives back their records. */
void older_release(struct master *m);
/* Hook: sends the orders in s->orders to the session's master. */
void older_order(struct session *s);

#endif
