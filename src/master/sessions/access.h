/* Checks sessions against their users' rows when the users file changes. */
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
    uint64_t seen;     /* the newest generation at the last check */
    uint64_t reviewed; /* the generation that all sessions were compared with */
};

/* From now on the users file is checked every few seconds. */
void access_start(struct master *m);
/* Stops these checks: the newest master does them from now on. */
void access_stop(struct master *m);
/* Reads the users file if it has changed, and sends it to the auth workers.
 * Returns false if the file couldn't be read, so that nobody knows its
 * contents. */
bool access_look(struct master *m);
/* Compares the sessions with the newest rows at once, and ends those that the
 * file no longer permits. Returns their number. */
size_t access_review(struct master *m);
/* Does the same for one session that was just reported. */
void access_review_one(struct session *s);
/* Is USER, a row of any generation, the same in the newest one, and not
 * locked? */
bool access_is_current(const struct master *m, const struct user *user);

#endif
