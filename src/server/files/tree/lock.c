/* Locks directories, in the process files. A session that gives a file a name,
 * or takes a name away, holds the lock of the directory. Most network disks
 * keep the lock of a directory on one machine, so there a session also locks a
 * reserved file in the directory: this lock holds on all machines. Never locks
 * the file whose name changes, since only an open file can be locked: NFS and
 * libfuse move an open file aside before they replace it, and for a moment no
 * file has the name. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "sallyport/base/fd.h"

#define LOCK_MS 5000

int lock_open_file(const struct files *f, int fd)
{
    int r = files_lock(f, fd, LOCK_EX, LOCK_MS);

    const bool no_locks =
        r == -EBADF || r == -EINVAL || r == -EOPNOTSUPP || r == -ENOSYS;
    return no_locks ? 0 : r;
}

/* Opens the file with O_RDWR, since NFS locks a file exclusively only if it is
 * open for writing. In a share the mode of the lock file lets all members open
 * it. sallyportctl searches a share in the same way as a home, so a lock file
 * that is made for sallyportctl always has this mode. */
int lock_make_file(const struct files *f, const struct mount *m, int directory)
{
    const bool for_members = m->share || f->session.peer == PROCESS_CTL;

    return resolve_in(directory, LOCK_FILE,
                      O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                      for_members ? 0660 : 0600);
}

/* Waits only for LOCK_MS, since every process that can open the directory can
 * hold its lock. If the lock file can't be made, since the user can't write
 * there or the disk is full, goes on without it: a removal must work even then.
 * A drop needs no lock file, since each name in it is random. */
int lock_directory(struct files *f, const struct mount *m, int directory,
                   struct lock *ret)
{
    int r = lock_open_file(f, directory);

    *ret = (struct lock)LOCK_NONE;
    if (r != 0)
        return r;
    ret->directory = directory;
    if (f->locks_die && !m->drop)
        ret->file = lock_make_file(f, m, directory);
    if (ret->file >= 0)
        r = lock_open_file(f, ret->file);
    if (r != 0)
        lock_release(ret);
    return r;
}

void lock_release(struct lock *l)
{
    fd_close(&l->file);
    if (l->directory >= 0)
        flock(l->directory, LOCK_UN);
    l->directory = -1;
}

int lock_place(struct files *f, const struct mount *m, const struct path *path,
               int directory, struct lock *ret)
{
    int r = lock_directory(f, m, directory, ret);

    if (r == 0)
        r = resolve_leads(f, path, directory);
    if (r != 0)
        lock_release(ret);
    return r;
}

static bool lock_is_before(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev ? a->st_ino < b->st_ino
                                  : a->st_dev < b->st_dev;
}

/* Locks the directories in the same order in all sessions, by device and
 * inode. The last one, which moves, needs no lock file: otherwise each renamed
 * directory of a network disk would have one. */
int lock_all(struct files *f, const struct mount *m,
             const int directories[LOCKS], struct lock ret[LOCKS])
{
    struct stat st[LOCKS], last = { 0 };

    for (int i = 0; i < LOCKS; i++)
        if (directories[i] >= 0 && fstat(directories[i], &st[i]) < 0)
            return -errno;
    for (int n = 0; n < LOCKS; n++) {
        int next = -1;

        for (int i = 0; i < LOCKS; i++)
            if (directories[i] >= 0 && lock_is_before(&last, &st[i]) &&
                (next < 0 || lock_is_before(&st[i], &st[next])))
                next = i;
        if (next < 0)
            return 0;
        int r = next < LOCKS - 1
                    ? lock_directory(f, m, directories[next], &ret[next])
                    : lock_open_file(f, directories[next]);
        if (r != 0)
            return r;
        ret[next].directory = directories[next];
        last = st[next];
    }
    return 0;
}
