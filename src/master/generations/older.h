/* The older generations, as the newest master knows them: a link to each of
 * their masters, and a record for each of their sessions. Their processes are
 * not ours: what must be done to one is asked of its own master (drain.c). */
#ifndef SALLYPORT_SRC_MASTER_GENERATIONS_OLDER_H
#define SALLYPORT_SRC_MASTER_GENERATIONS_OLDER_H

#include "link.h"
#include "sessions/session.h"

#define OLDER_MAX 8 /* generations beside this one */

struct master;

struct older {
    struct master *master;
    uint64_t generation;
    struct link link;
};

void older_init(struct master *m);
/* FD, which it takes, leads to the master of that generation. Without a place
 * for it, or memory, its sessions aren't known here. */
void older_add(struct master *m, uint64_t generation, int fd);
/* Gives up all links, and the records with them. */
void older_release(struct master *m);
/* Hook: has its master do what s->orders names. */
void older_order(struct session *s);

#endif
