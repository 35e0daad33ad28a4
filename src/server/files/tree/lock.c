/* Locks of directories and names, in the process files. A session that gives a
 * file its name, or takes one away, holds the lock of the directory. Most
 * network disks keep that lock on one machine. There the file that has the name
 * is locked, too: that lock holds on all machines. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

#define LOCK_MS 5000

static bool lock_is_missing(int error)
{
    return error == EBADF || error == EINVAL || error == EOPNOTSUPP ||
           error == ENOSYS;
}

/* Every process that can open the directory can hold this lock, so the wait for
 * it has a deadline. */
int lock_directory(const struct files *f, int directory)
{
    int r = files_lock(f, directory, LOCK_EX, LOCK_MS);

    return lock_is_missing(-r) ? 0 : r;
}

void lock_release(int directory)
{
    flock(directory, LOCK_UN);
}

/* All sessions lock two directories in the same order, by device and inode. */
int lock_both(const struct files *f, int a, int b)
{
    struct stat of_a, of_b;

    if (fstat(a, &of_a) < 0 || fstat(b, &of_b) < 0)
        return -errno;
    bool same_device = of_a.st_dev == of_b.st_dev;
    if (same_device && of_a.st_ino == of_b.st_ino)
        return lock_directory(f, a);
    bool a_first =
        same_device ? of_a.st_ino < of_b.st_ino : of_a.st_dev < of_b.st_dev;
    int first = a_first ? a : b, second = a_first ? b : a;
    int r = lock_directory(f, first);
    if (r == 0)
        r = lock_directory(f, second);
    if (r != 0)
        lock_release(first);
    return r;
}

/* NFS locks a file for one only if it is open to be written. */
static int lock_open(int directory, const char *name)
{
    const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    int fd = resolve_in(directory, name, O_RDWR | flags, 0);

    return fd == -EACCES ? resolve_in(directory, name, O_RDONLY | flags, 0)
                         : fd;
}

/* What isn't there, or can't be opened, isn't locked: links, directories,
 * others' files. */
static int lock_open_file(const struct files *f, const struct mount *m,
                          int directory, const char *name, struct stat *st)
{
    FD_CLEANUP int fd = lock_open(directory, name);

    if (fd < 0)
        return fd == -ESTALE ? fd : -ENOENT;
    int r = resolve_known(fd, st);
    if (r < 0)
        return r;
    return S_ISREG(st->st_mode) && !resolve_hides(f, m, st) ? fd_take(&fd)
                                                            : -ENOENT;
}

/* Who had the lock may have given the name to another file: then that one is
 * the file to lock. */
int lock_name(struct files *f, const struct mount *m, int directory,
              const char *name, int *ret)
{
    uint64_t end = clock_ms() + LOCK_MS;
    struct stat st;

    *ret = -1;
    owner_note_disk(f, directory);
    if (!f->locks_die || m->drop)
        return 0;
    do {
        FD_CLEANUP int fd = lock_open_file(f, m, directory, name, &st);
        if (fd == -ENOENT)
            return 0;
        int r = fd < 0 ? fd : files_lock(f, fd, LOCK_EX, LOCK_MS);
        if (lock_is_missing(-r))
            return 0;
        if (r < 0 && r != -ESTALE)
            return r;
        if (r == 0 && resolve_is_at(directory, name, &st)) {
            *ret = fd_take(&fd);
            return 0;
        }
    } while (clock_ms() < end);
    return -EBUSY;
}
