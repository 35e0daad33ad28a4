/* Homes: made and removed. "An exit code" is 0 or a code of sysexits.h. */
#ifndef CTL_HOME_H
#define CTL_HOME_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/slice.h"

/* Copies an absolute path without "//" and without '/' at its end. Returns 0 or
 * -ENAMETOOLONG. It looks only at the text. */
int home_tidy(struct slice path, char *out, size_t size);
/* Is PATH equal to DIRECTORY or beneath it? Both come from home_tidy(). */
bool home_beneath(const char *path, const char *directory);

/* Is one of them equal to the other or beneath it? HOME comes from home_tidy().
 */
bool home_overlaps(const char *home, const char *other);

/* Opens the directory that the home is in. Returns the descriptor, which the
 * caller closes, or -errno. Beneath HOMES no component may be a symbolic link,
 * since a user could have made it. */
int home_open_parent(const char *home, const char *homes);

/* Makes the home with mode 0700; as root it gives it to UID and GID. *made is
 * false if the home existed and is kept. It refuses a symbolic link and
 * somebody else's directory; OFFER: the user could have that owner's uid. It
 * also makes HOMES if that alone is missing. Returns an exit code. */
int home_make(const char *home, const char *homes, uid_t uid, gid_t gid,
              bool offer, bool *made, struct complaint *c);
/* Removes a home that is empty. */
void home_unmake(const char *home);

/* Is nothing mounted on the directory FD or beneath it? Returns 0; -EXDEV:
 * something is; another -errno: it can't be found out. */
int mounts_within(int fd);

/* Removes the home and all that is in it. Conditions: the home is beneath
 * HOMES, its path from there has no symbolic link, UID owns it, and nothing is
 * mounted in it (nor by mount --bind). Otherwise it removes nothing. Returns an
 * exit code. */
int purge_home(const char *home, const char *homes, uid_t uid,
               struct complaint *c);

#endif
