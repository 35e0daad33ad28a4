/* The steps into a sandbox, which sandbox_enter() takes in their order. Each
 * function of type int returns 0 or -errno unless its comment says something
 * else. */
#ifndef SALLYPORT_SRC_SANDBOX_STEPS_H
#define SALLYPORT_SRC_SANDBOX_STEPS_H

#include "sallyport/sandbox/sandbox.h"

/* sandbox.c: forbids a core file, and a new process unless the row has .forks;
 * limits the descriptors to MAX_FILES (0: no change). */
int limits_set(const struct sandbox_row *row, size_t max_files);
/* Makes the directory FD the root and the current directory. With EMPTY the
 * directory must be empty, and only root may write to it. Can set *why. */
int chroot_enter(int fd, bool empty, struct complaint *why);

/* ids.c: gives up root's groups, gid, uid and capabilities for good, and checks
 * the result. -EINVAL: an id is 0, or there are too many groups; -EPERM: the
 * process still has rights of root, or no_new_privs isn't set. */
int ids_give_up(uid_t uid, gid_t gid, const gid_t *groups, size_t n);
/* Makes a capability effective again, such as after sandbox_become(). */
int ids_raise_capability(unsigned capability);
/* Removes all capabilities from the process's own sets. */
int ids_drop_capabilities(void);

/* landlock.c: confines this process to N directories, for good. Needs
 * no_new_privs. -ENOSYS, -EOPNOTSUPP: the kernel has no Landlock, or it is off.
 */
int landlock_confine(const struct beneath *directories, size_t n);

/* filter.c, or filter_off.c in builds with sanitizers, which need other calls
 * and standard error. Loads the filter for good. Returns 1 if this build has no
 * filters. */
int filter_load(const struct sandbox_filter *filter);
/* Turns descriptors 0, 1 and 2 into /dev/null. The process gets them from
 * master, and they are often a log file: a process that kept them could forge
 * or delete lines. */
int filter_end_descriptors(void);

/* sigsys.c: installs the handler, and forgets which calls were reported. */
int sigsys_install(void);
/* Tests the loaded filter: getppid() must succeed, and sched_get_priority_max()
 * must fail with ENOSYS; this call isn't reported. Returns 0, or -EINVAL with
 * the complaint. */
int sigsys_probe(struct complaint *c);

#endif
