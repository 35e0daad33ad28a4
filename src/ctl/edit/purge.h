/* The removal of a home, or of a share's directory. */
#ifndef CTL_PURGE_H
#define CTL_PURGE_H

#include "ctl.h"

struct removed {
    char path[USER_HOME_MAX + 1]; /* its former path, in place_tidy()'s form */
    char name[NAME_MAX + 1];      /* its reserved name, beside the former; "":
                                   * none */
    uid_t uid;
    int parent_fd, top_fd; /* or -1 */
    bool as_owner;         /* rm(1) has the rights of the directory's owner */
};
/* Opens the directory of p->path and p->uid. Fails unless it is beneath BELOW,
 * its path from there has no symbolic link, UID owns it, and nothing is mounted
 * in it (nor by mount --bind). */
void removed_open(struct removed *p, const char *below);
/* Gives the directory the reserved name, if it is still the same one, and
 * its disk answers. Call it under the lock: nobody may add a row for the
 * directory. */
void removed_rename(struct removed *p);
/* Returns OUT with the current path. */
const char *removed_path(const struct removed *p, char out[PATH_MAX]);
/* Removes its contents, and then itself. Returns an exit code. */
int removed_empty(struct removed *p, bool as_owner, struct complaint *why);
extern const char *removed_rm; /* rm(1); tests replace it */
/* Removes the leftovers of earlier removals in the settings homes and shares,
 * and prints what it does. Returns an exit code. */
int removed_leftovers(void);

#endif
