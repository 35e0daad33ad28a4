/* Sessions of users whose row in the users file has changed. */
#ifndef SALLYPORT_SRC_MASTER_SESSIONS_ACCESS_H
#define SALLYPORT_SRC_MASTER_SESSIONS_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/loop.h"
#include "sallyport/users/users.h"

struct master;
struct session;

struct access {
    struct loop_timer timer;
    uint64_t seen;     /* the newest generation at the last look */
    uint64_t reviewed; /* the one that all sessions were compared with */
};

/* From now on the users file is looked at every few seconds. */
void access_start(struct master *m);
/* The newest master looks from here on. */
void access_stop(struct master *m);
/* The users file: reads it if it has changed, tells the auth workers. False: it
 * couldn't be read, and may say anything. */
bool access_look(struct master *m);
/* Compares the sessions with the newest rows at once, and ends those that the
 * file no longer lets in: how many. */
size_t access_review(struct master *m);
/* The same for one session, which has just become known. */
void access_review_one(struct session *s);
/* Is the row, of whatever generation, still as it is in the newest one, and not
 * locked? */
bool access_is_current(const struct master *m, const struct user *user);

#endif
