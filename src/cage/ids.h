/* User, groups and capabilities of a process. */
#ifndef SALLYPORT_CAGE_IDS_H
#define SALLYPORT_CAGE_IDS_H

#include <stddef.h>
#include <sys/types.h>

/* Gives up root for good, and checks that it is gone: bounding set, groups,
 * gid, uid, capabilities. 0 or -errno; -EINVAL where an id is 0. */
int ids_give_up(uid_t uid, gid_t gid, const gid_t *groups, size_t n);

/* No capability left in any of the process's own sets: 0 or -errno. */
int ids_drop_capabilities(void);

#endif
