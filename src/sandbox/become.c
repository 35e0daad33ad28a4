/* A user's ids for a while. Files opens the home as that user, and still needs
 * root for chroot; check looks at one home after the other. */
#include <errno.h>
#include <grp.h>
#include <unistd.h>

#include "ids.h"
#include "sallyport/domain/limits.h"
#include "sallyport/sandbox/sandbox.h"

int sandbox_become(uid_t uid, gid_t gid, const gid_t *groups, size_t n)
{
    int r;

    if (ids_hold_root(uid, gid, groups, n) || n > GROUPS_MAX)
        return -EINVAL;
    if (setgroups(n, groups) || setresgid((gid_t)-1, gid, (gid_t)-1) ||
        setresuid((uid_t)-1, uid, (uid_t)-1)) {
        r = -errno;
        (void)sandbox_regain();
        return r;
    }
    return geteuid() == uid && getegid() == gid ? 0 : -EPERM;
}

int sandbox_regain(void)
{
    if (setresuid((uid_t)-1, 0, (uid_t)-1) ||
        setresgid((gid_t)-1, 0, (gid_t)-1) || setgroups(0, NULL))
        return -errno;
    return geteuid() == 0 && getegid() == 0 ? 0 : -EPERM;
}
