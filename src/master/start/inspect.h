/* What the users' rows name: uids and homes. */
#ifndef SALLYPORT_SRC_MASTER_START_INSPECT_H
#define SALLYPORT_SRC_MASTER_START_INSPECT_H

#include <stdbool.h>
#include <stddef.h>

struct master;
struct unit;
struct users;

typedef void inspect_tell(void *owner, const char *mistake);

/* Calls TELL once for each mistake, with "FILE:LINE: user NAME: WHY"; returns
 * their number. Homes of locked users aren't looked at. UNIT is what systemd
 * forbids, or NULL. Run by root it takes each user's ids for a while, so call
 * it in a process that does nothing else. A home on a network can block it. */
size_t inspect_users(const struct master *m, const struct users *u,
                     const struct unit *unit, inspect_tell *tell, void *owner);

struct inspect_words {
    const char *prefix; /* of each line */
    size_t most;        /* lines; then how many more there are */
};

/* The same in a child process, which writes the mistakes to standard error.
 * Waits for WAIT_MS at most, and kills the child then. Returns whether there
 * was a mistake; that the child was late is one. */
bool inspect_apart(const struct master *m, const struct users *u,
                   struct inspect_words words, int wait_ms);

#endif
