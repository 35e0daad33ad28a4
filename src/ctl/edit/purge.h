/* The removal of a home, or of a share's directory. */
#ifndef CTL_PURGE_H
#define CTL_PURGE_H

#include "ctl.h"

struct removed {
    char path[USER_HOME_MAX + 1]; /* its former path, in place_tidy()'s form */
    char now[PATH_MAX];           /* its path now */
    bool renamed;                 /* it has the reserved name */
    uid_t uid;
    const char *below; /* the setting homes or shares */
    int below_fd, parent_fd, top_fd;
    bool as_owner; /* rm(1) has the rights of the directory's owner */
};
/* Opens and locks the directory p->path. Fails unless it is beneath BELOW, no
 * part of its path from BELOW on is a symbolic link, p->uid owns it (if the
 * caller isn't root: the caller), nothing is mounted in it, not even with mount
 * --bind, no other row has it (home_check_case()), and no other command removes
 * it. Meanwhile p->now is the path that it looks at. */
void removed_open(struct removed *p, const char *below);
/* Moves the directory to a reserved name in p->below, where
 * removed_leftovers() looks; if p->below is on another disk, beside its own
 * name. Does nothing if p->path now names another directory, or if the disk
 * hangs. Call it under the lock, so that nobody can add a row for the
 * directory. */
void removed_rename(struct removed *p);
/* Removes the contents, and then the directory. AS_OWNER: tries it first with
 * the rights of the directory's owner. Returns an exit code. */
int removed_empty(struct removed *p, bool as_owner, struct complaint *why);
extern const char *removed_rm; /* rm(1); tests replace it */
/* Removes the leftovers of earlier removals in the settings homes and shares,
 * and prints their paths. Returns an exit code. */
int removed_leftovers(void);

#endif
