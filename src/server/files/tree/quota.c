/* Reads the kernel's quotas, in the process files: how much they leave, and
 * whether one is the cause of a lack of space. Only the kernel counts and
 * refuses. A process may read the quotas of its own uid and gids. On btrfs it
 * reads files of sysfs, which are opened before the sandbox closes. The limit
 * of a project isn't read: statfs shows it as the size of the disk. */
#include "files.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "sallyport/base/fd.h"

void quota_watch(struct mount *m)
{
    struct stat st;

    m->quota.btrfs = quota_open_subvolume(m->fd, &m->quota.subvolume);
    m->quota.none = !m->quota.btrfs && fd_on_network_disk(m->fd);
    if (fstat(m->fd, &st) == 0)
        m->quota.device = st.st_dev;
}

/* Finds the limits that leave least for FD. OWN: only the user's own limits. */
static void quota_find(const struct files *f, int fd, bool own,
                       struct quota *ret)
{
    const struct quota_place *p = NULL;
    struct stat st;

    *ret = (struct quota){ 0 };
    if (fstat(fd, &st) < 0)
        return;
    for (const struct mount *m = f->mount; m < f->mount + f->mounts && !p; m++)
        if (m->fd >= 0 && m->quota.device == st.st_dev)
            p = &m->quota;
    if (p && p->none)
        return;
    if (p ? p->btrfs : quota_is_btrfs(fd)) {
        if (p && !own)
            quota_read_subvolume(&p->subvolume, ret);
        return;
    }
    quota_get_of_id(fd, QUOTA_USER, f->uid, ret);
    /* The limit that leaves less counts: the user's or the group's. */
    bool inherits = !S_ISDIR(st.st_mode) || st.st_mode & S_ISGID;
    struct quota group;
    if (own || quota_get_of_id(fd, QUOTA_GROUP, inherits ? st.st_gid : f->gid,
                               &group) < 0)
        return;
    if (quota_left(&group.bytes) < quota_left(&ret->bytes))
        ret->bytes = group.bytes;
    if (quota_left(&group.files) < quota_left(&ret->files))
        ret->files = group.files;
}

void quota_at(const struct files *f, const struct mount *m, int fd,
              struct quota *ret)
{
    quota_find(f, fd, m->share && mount_hides_names(m), ret);
}

/* Blames the quota if it leaves no more than the disk. A full quota or disk
 * doesn't leave exactly 0 bytes: a write fails before the last byte is used up.
 * If the quota can't be read, returns RESULT, even -EDQUOT. */
int quota_explain(struct files *f, const struct mount *m, int directory,
                  bool entry, int result)
{
    struct statvfs disk;
    struct quota q, all;

    if ((result != -ENOSPC && result != -EDQUOT) ||
        fstatvfs(directory, &disk) < 0)
        return result;
    /* Gets the limits that the user may learn. In a share that hides names the
     * share's limits are named only if the user's own upload has just reached
     * them. */
    quota_at(f, m, directory, &q);
    if (!entry) {
        quota_find(f, directory, false, &all);
        if (quota_left(&all.bytes) <
            (disk.f_frsize ? disk.f_frsize : disk.f_bsize))
            q = all;
    }
    if (entry && quota_left(&q.files) == 0) {
        f->exceeded = q.files;
        return OUTCOME_OVER_FILES;
    }
    if (result == -ENOSPC && entry && disk.f_files > 0 && disk.f_favail == 0)
        return result; /* the disk can't have more files */
    if (q.bytes.limit > 0 && quota_left(&q.bytes) <= space_usable(f, &disk)) {
        f->exceeded = q.bytes;
        return OUTCOME_OVER_QUOTA;
    }
    return result;
}
