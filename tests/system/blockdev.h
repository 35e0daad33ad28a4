/* A file system of its own for a user's home: on a loop device with its file in
 * a tmpfs that can run full; and its power cuts. For root, in the test's own
 * mount namespace. */
#ifndef TESTS_SYSTEM_BLOCKDEV_H
#define TESTS_SYSTEM_BLOCKDEV_H

#include "support/session.h"

struct blockdev {
    const struct server *server;
    char user[32], type[8]; /* "ext4", "xfs" or "btrfs" */
    char store[SERVER_PATH_MAX], image[SERVER_PATH_MAX + 8];
    char home[SERVER_PATH_MAX];
    unsigned mib;
};

/* A power cut loses the bytes that no sync has asked for, or also the
 * journal. */
enum blockdev_cut { BLOCKDEV_KEEP_JOURNAL = 1, BLOCKDEV_LOSE_JOURNAL = 2 };

void blockdev_make(struct blockdev *b, const struct server *server,
                   const char *user, const char *type, unsigned mib);
/* Leave room for MIB more; make all the room available again. */
void blockdev_leave_room(struct blockdev *b, unsigned mib);
void blockdev_give_room(struct blockdev *b);
/* From now on nothing reaches the disk. */
void blockdev_power_cut(struct blockdev *b, enum blockdev_cut cut);
/* Unmounts the file system once the user has no process left, and mounts it
 * again: then reads come from the disk. */
void blockdev_again(struct blockdev *b);
void blockdev_remove(struct blockdev *b);

/* A server whose user anna has such a home, a session of anna, and bytes to
 * send. */
struct stage {
    struct server server;
    struct blockdev disk;
    struct session s;
    struct data d;
    unsigned char *bytes;
};
void stage_open(struct stage *t, const struct server_plan *plan,
                const char *type, unsigned mib, size_t bytes);
void stage_close(struct stage *t);

/* For the runner's process: fails if the mounts would outlive the program. */
void blockdev_need_namespace(void);

#endif
