/* The kernel's quotas in the process files: what they leave, and whether they
 * are why there is no room. Nothing here counts or refuses: the kernel does. A
 * process may read the quotas of its own uid and gids. On btrfs it reads files
 * of sysfs, which are opened before the sandbox. The limit of a project is no
 * quota here: where it has one, statfs shows it as the size of the disk. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "sallyport/base/fd.h"

void quota_watch(struct mount *m)
{
    struct stat st;

    quota_open_subvolume(m->fd, &m->quota.subvolume);
    if (fstat(m->fd, &st) == 0)
        m->quota.device = st.st_dev;
}

static const struct quota_place *quota_place_of(const struct files *f,
                                                dev_t device)
{
    for (const struct mount *m = f->mount; m < f->mount + f->mounts; m++)
        if (m->fd >= 0 && m->quota.device == device)
            return &m->quota;
    return NULL;
}

/* The limit that leaves less counts: the user's, which *ret has, or the
 * group's. */
static void quota_of_group(const struct files *f, int fd, const struct stat *st,
                           struct quota *ret)
{
    bool inherits = !S_ISDIR(st->st_mode) || st->st_mode & S_ISGID;
    struct quota group;

    if (quota_get(fd, QUOTA_GROUP, inherits ? st->st_gid : f->gid, &group) < 0)
        return;
    if (quota_left(&group.bytes) < quota_left(&ret->bytes))
        ret->bytes = group.bytes;
    if (quota_left(&group.files) < quota_left(&ret->files))
        ret->files = group.files;
}

/* OWN: only the user's own limit. */
static void quota_find(const struct files *f, int fd, bool own,
                       struct quota *ret)
{
    const struct quota_place *p;
    struct stat st;

    *ret = (struct quota){ 0 };
    if (fstat(fd, &st) < 0)
        return;
    if (quota_is_btrfs(fd)) {
        p = quota_place_of(f, st.st_dev);
        if (p && !own)
            quota_read_subvolume(&p->subvolume, ret);
        return;
    }
    quota_get(fd, QUOTA_USER, f->uid, ret);
    if (!own)
        quota_of_group(f, fd, &st, ret);
}

void quota_at(const struct files *f, const struct mount *m, int fd,
              struct quota *ret)
{
    quota_find(f, fd, mount_hides_others(m), ret);
}

void quota_note(struct files *f, const struct mount *m, int directory)
{
    f->written_in = m;
    fd_close(&f->written);
    f->written = resolve_in(directory, ".", O_PATH | O_DIRECTORY, 0);
}

/* Those that the user may learn of. In a drop the share's is named only if the
 * user has just written what filled it. */
static void quota_to_name(const struct files *f, bool entry,
                          const struct statvfs *disk, struct quota *ret)
{
    uint64_t block = disk->f_frsize ? disk->f_frsize : disk->f_bsize;
    struct quota all;

    quota_find(f, f->written, mount_hides_others(f->written_in), ret);
    if (entry)
        return;
    quota_find(f, f->written, false, &all);
    if (quota_left(&all.bytes) < block)
        *ret = all;
}

/* What leaves less, the disk or a quota, is the cause: a write fails before
 * its last block fits. EDQUOT also comes from a quota that can't be read. */
enum outcome quota_explain(const struct files *f, int result, bool entry,
                           struct quota_amount *ret)
{
    enum outcome o =
        result == -EDQUOT ? OUTCOME_OVER_QUOTA : files_outcome(result);
    struct statvfs disk;
    struct quota q;

    *ret = (struct quota_amount){ 0 };
    if ((o != OUTCOME_NO_SPACE && o != OUTCOME_OVER_QUOTA) || f->written < 0 ||
        fstatvfs(f->written, &disk) < 0)
        return o;
    quota_to_name(f, entry, &disk, &q);
    if (entry && quota_left(&q.files) == 0) {
        *ret = q.files;
        return OUTCOME_OVER_FILES;
    }
    if (result == -ENOSPC && entry && disk.f_files > 0 && disk.f_favail == 0)
        return o; /* the disk can't have more files */
    if (q.bytes.limit > 0 &&
        quota_left(&q.bytes) <= space_usable(f, &disk, NULL)) {
        *ret = q.bytes;
        return OUTCOME_OVER_QUOTA;
    }
    return o;
}
