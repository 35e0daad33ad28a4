/* Homes: made and removed. "An exit code" is 0 or one of sysexits.h. */
#ifndef CTL_HOME_H
#define CTL_HOME_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "sallyport/base/complaint.h"
#include "sallyport/base/slice.h"

/* An absolute path without "//" and without '/' at its end: 0, or
 * -ENAMETOOLONG. Judges by the text alone. */
int home_tidy(struct slice path, char *out, size_t size);
/* PATH is FOLDER or lies beneath it (both tidy). */
bool home_beneath(const char *path, const char *folder);

/* The folder that the home is in, or -errno. Beneath HOMES no component may be
 * a symbolic link, for a user could have made it. */
int home_open_parent(const char *home, const char *homes);

/* An exit code. Makes the folder, 0700, the user's when run by root. *made is
 * false for one that was there and is kept; one of somebody else's is refused,
 * and so is a symbolic link. HOMES is made too where only it is missing. */
int home_make(const char *home, const char *homes, uid_t uid, gid_t gid,
              bool *made, struct complaint *c);
/* Removes an empty home again. */
void home_unmake(const char *home);

/* 0 when nothing is mounted on or in the folder that FD is open on; -EXDEV when
 * something is; -errno when that can't be learnt. */
int home_holds_mount(int fd);

/* An exit code. Removes the home and all in it: only beneath HOMES (its path
 * from there must hold no symbolic link), only when UID owns it, only when
 * nothing is mounted there, also not by mount --bind; then nothing is removed.
 */
int home_purge(const char *home, const char *homes, uid_t uid,
               struct complaint *c);

#endif
