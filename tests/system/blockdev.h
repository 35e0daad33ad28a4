/* Gives a user's home a file system of its own, on a loop device. The device's
 * file is in a tmpfs, which can run full. A test can cut the power of the file
 * system. Needs root, and a mount namespace of the test's own. */
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

/* BLOCKDEV_KEEP_JOURNAL: the power cut loses the bytes that no process has
 * synced; BLOCKDEV_LOSE_JOURNAL: it loses the journal, too. */
enum blockdev_cut { BLOCKDEV_KEEP_JOURNAL = 1, BLOCKDEV_LOSE_JOURNAL = 2 };

void blockdev_make(struct blockdev *b, const struct server *server,
                   const char *user, const char *type, unsigned mib);
/* blockdev_leave_room() leaves room for MIB MiB more; blockdev_give_room()
 * makes all room available again. */
void blockdev_leave_room(struct blockdev *b, unsigned mib);
void blockdev_give_room(struct blockdev *b);
/* Cuts the power: from now on the file system writes nothing to the disk. */
void blockdev_power_cut(struct blockdev *b, enum blockdev_cut cut);
/* Waits until the user has no process left, unmounts the file system and mounts
 * it again, so that reads come from the disk. */
void blockdev_again(struct blockdev *b);
void blockdev_remove(struct blockdev *b);

/* A server with the user anna, a blockdev for her home, a session of hers, and
 * bytes to send. */
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

/* Call in the runner's process. Fails if the mounts would outlive the
 * program. */
void blockdev_need_namespace(void);

#endif
