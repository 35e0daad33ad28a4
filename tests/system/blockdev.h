/* A file system of its own on a user's home: on a loop device, whose file lies
 * in a tmpfs that can run full; and power cuts of it. For root, in a mount
 * namespace of the test's own. */
#ifndef TESTS_SYSTEM_BLOCKDEV_H
#define TESTS_SYSTEM_BLOCKDEV_H

#include "support/server.h"

struct blockdev {
    const struct server *server;
    char user[32], type[8]; /* "ext4" or "xfs" */
    char store[SERVER_PATH_MAX], image[SERVER_PATH_MAX + 8];
    char home[SERVER_PATH_MAX];
    unsigned mib;
};

/* What is lost: bytes that no sync has asked for; or the journal, too. */
enum blockdev_cut { BLOCKDEV_KEEP_JOURNAL = 1, BLOCKDEV_LOSE_JOURNAL = 2 };

void blockdev_make(struct blockdev *b, const struct server *server,
                   const char *user, const char *type, unsigned mib);
/* Room for so much more, and then for all of it again. */
void blockdev_leave_room(struct blockdev *b, unsigned mib);
void blockdev_give_room(struct blockdev *b);
/* From here on nothing reaches the disk. */
void blockdev_power_cut(struct blockdev *b, enum blockdev_cut cut);
/* Unmounts it, when no process of the user is left, and mounts it again: what
 * is read then comes from the disk. */
void blockdev_again(struct blockdev *b);
void blockdev_remove(struct blockdev *b);

#endif
