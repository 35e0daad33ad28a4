/* The users file as master knows it: generations, the newest and those that a
 * verification under way may still name. */
#ifndef SALLYPORT_SRC_MASTER_SESSIONS_USERDB_H
#define SALLYPORT_SRC_MASTER_SESSIONS_USERDB_H

#include <sys/stat.h>

#include "sallyport/users/users.h"

#define USERDB_KEPT 8

struct generation {
    uint64_t number; /* 1, 2, … */
    struct users users;
};

struct userdb {
    const char *path;                    /* of the settings */
    struct generation kept[USERDB_KEPT]; /* the newest is the last */
    size_t count;
    int fd; /* the newest one's text, a sealed memfd; -1: none */
    struct stat seen;
    bool fresh; /* changed just before it was read: look again */
    struct complaint told;
};

/* Nothing read yet. */
void userdb_init(struct userdb *u, const char *path);
void userdb_release(struct userdb *u);

/* Looks at the file: 1, a new generation is there; 0, nothing new; -EINVAL, it
 * can't be used and *c says why, the old generation stays; another -errno: it
 * couldn't be read this time, so nobody knows who may log in. The same
 * complaint comes once: then it's 0 until it changes, or -errno with *c empty.
 */
int userdb_look(struct userdb *u, struct complaint *c);

/* After a crash, where the file can't be used: the text that was used last.
 * 0, or negative with the complaint. */
int userdb_restore(struct userdb *u, int fd, struct complaint *c);

uint64_t userdb_newest(const struct userdb *u);
/* Rows of the newest. */
size_t userdb_count(const struct userdb *u);
/* NULL: the generation isn't kept. */
const struct users *userdb_find(const struct userdb *u, uint64_t generation);
/* Forgets those older than NEEDED, but never the newest. */
void userdb_drop(struct userdb *u, uint64_t needed);

#endif
