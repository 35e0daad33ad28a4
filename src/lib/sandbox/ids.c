/* Ids and capabilities. Processes with ids of their own give up root for good
 * on the way into their sandbox, and then check each id. Files and check also
 * take a user's ids for a while. */
#include "steps.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sallyport/domain/limits.h"

int ids_raise_capability(unsigned capability)
{
    struct __user_cap_header_struct header = {
        .version = _LINUX_CAPABILITY_VERSION_3,
    };
    struct __user_cap_data_struct sets[2];

    if (syscall(SYS_capget, &header, sets))
        return -errno;
    sets[CAP_TO_INDEX(capability)].effective |= CAP_TO_MASK(capability);
    return syscall(SYS_capset, &header, sets) ? -errno : 0;
}

int ids_drop_capabilities(void)
{
    struct __user_cap_header_struct header = {
        .version = _LINUX_CAPABILITY_VERSION_3,
    };
    struct __user_cap_data_struct none[2], left[2];

    memset(none, 0, sizeof(none));
    if (syscall(SYS_capset, &header, none) ||
        syscall(SYS_capget, &header, left))
        return -errno;
    return memcmp(left, none, sizeof(none)) == 0 ? 0 : -EPERM;
}

/* Returns true if one of these ids is root's. */
static bool hold_root(uid_t uid, gid_t gid, const gid_t *groups, size_t n)
{
    bool held = uid == 0 || gid == 0;

    for (size_t i = 0; i < n; i++)
        held = held || groups[i] == 0;
    return held;
}

int ids_give_up(uid_t uid, gid_t gid, const gid_t *groups, size_t n)
{
    gid_t now[GROUPS_MAX], g[3];
    uid_t u[3];
    int r, count;

    if (hold_root(uid, gid, groups, n) || n > GROUPS_MAX)
        return -EINVAL;
    /* no_new_privs must be set: otherwise an executed file could bring
     * capabilities back. */
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return -EPERM;
    if (setgroups(n, groups) || setresgid(gid, gid, gid) ||
        setresuid(uid, uid, uid))
        return -errno;
    r = ids_drop_capabilities();
    if (r < 0)
        return r;
    count = getgroups(GROUPS_MAX, now);
    if (count < 0 || getresuid(&u[0], &u[1], &u[2]) ||
        getresgid(&g[0], &g[1], &g[2]))
        return -errno;
    for (int i = 0; i < count; i++) {
        size_t at = 0;

        while (at < n && groups[at] != now[i])
            at++;
        if (at == n)
            return -EPERM;
    }
    for (int i = 0; i < 3; i++)
        if (u[i] != uid || g[i] != gid)
            return -EPERM;
    /* Prove that the process can't become root again. */
    return setresuid((uid_t)-1, 0, (uid_t)-1) == 0 ||
                   setresgid((gid_t)-1, 0, (gid_t)-1) == 0
               ? -EPERM
               : 0;
}

int sandbox_become(uid_t uid, gid_t gid, const gid_t *groups, size_t n)
{
    int r;

    if (hold_root(uid, gid, groups, n) || n > GROUPS_MAX)
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
