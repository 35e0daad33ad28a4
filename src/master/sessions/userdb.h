/* The users file as master knows it: the newest generation, and those that a
 * present verification may still name. */
#ifndef SALLYPORT_SRC_MASTER_SESSIONS_USERDB_H
#define SALLYPORT_SRC_MASTER_SESSIONS_USERDB_H

#include <sys/stat.h>

#include "sallyport/users/users.h"

#define USERDB_KEPT 8

struct master;

struct generation {
    uint64_t number; /* 1, 2, … */
    struct users users;
};

struct userdb {
    const struct master *master;
    const char *path;                    /* from the settings */
    struct generation kept[USERDB_KEPT]; /* the newest is the last */
    size_t count;
    int fd;    /* the newest text, a sealed memfd; -1: none */
    int table; /* the same as reader wrote it, for check; -1: none */
    struct stat seen;
    bool fresh;          /* changed just before it was read: check again */
    bool may_be_missing; /* at the first start; then there are no users */
    bool missing;        /* so the newest generation has no users */
    struct complaint told;
    uint64_t rests_until; /* after a reader that has failed; clock_ms() */
};

/* Sets U to nothing read yet. */
void userdb_init(struct userdb *u, const struct master *m);
void userdb_release(struct userdb *u);

/* Checks the file. Returns 1: there is a new generation; 0: nothing new;
 * -EINVAL: it can't be used, *c has the reason, and the old generation stays;
 * another -errno: it couldn't be read this time, so nobody knows who may log
 * in. The same complaint comes once: after that the result is 0 or -errno with
 * an empty *c until it changes. */
int userdb_look(struct userdb *u, struct complaint *c);

/* After a crash, if the file can't be used: takes the text that was used last.
 * Returns 0, or a negative number with the complaint. */
int userdb_restore(struct userdb *u, int fd, struct complaint *c);

uint64_t userdb_newest(const struct userdb *u);
/* Returns the number of rows in the newest generation. */
size_t userdb_count(const struct userdb *u);
/* Returns NULL if the generation isn't kept. */
const struct users *userdb_find(const struct userdb *u, uint64_t generation);
/* Frees the generations older than NEEDED, but never the newest. */
void userdb_drop(struct userdb *u, uint64_t needed);

#endif
