/* User, groups and capabilities of a process. */
#ifndef SALLYPORT_SANDBOX_IDS_H
#define SALLYPORT_SANDBOX_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Is one of these ids root's? */
bool ids_hold_root(uid_t uid, gid_t gid, const gid_t *groups, size_t n);

/* Gives up root for good and checks it: bounding set, groups, gid, uid,
 * capabilities. Returns 0; -EINVAL: an id is 0; another -errno. */
int ids_give_up(uid_t uid, gid_t gid, const gid_t *groups, size_t n);

/* Removes all capabilities from the process's own sets. Returns 0 or -errno. */
int ids_drop_capabilities(void);

#endif
