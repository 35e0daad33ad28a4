/* The users file on the disk. The lock is another file beside it (USERS.lock),
 * since an edit replaces the users file. Two edits never overlap; reading needs
 * no lock. Runs in sallyportctl, and as root in master, which only searches the
 * text for one line. Several machines can share the disk, and their kernels
 * answer from memory for a while: after another machine has replaced the file,
 * the name can still lead to the old file here, and an edit of the old file
 * would undo the other machine's change. So an edit makes a new link to the
 * file, and reads the file by the link: the disk itself makes the link, and
 * refuses a link to a file that has no name any more. */
#include "sallyport/users/users_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/users/places.h"
#include "sallyport/users/users.h"

/* Resolves a symbolic link to the users file: otherwise the rename would
 * replace the link. */
static int resolve_path(struct users_file *p, const char *path)
{
    char directory[PATH_MAX], *slash;
    size_t len;

    if (realpath(path, p->path)) {
        p->name = strrchr(p->path, '/') + 1;
        return 0;
    }
    if (errno != ENOENT)
        return -errno;
    if (slice_copy(slice_from(path), directory, sizeof(directory)))
        return -ENAMETOOLONG;
    slash = strrchr(directory, '/');
    *slash = '\0';
    if (!realpath(slash == directory ? "/" : directory, p->path))
        return -errno;
    len = strlen(p->path);
    if (len + 1 + strlen(slash + 1) >= sizeof(p->path))
        return -ENAMETOOLONG;
    p->path[len] = '/';
    p->name = p->path + len + 1;
    memcpy(p->name, slash + 1, strlen(slash + 1) + 1);
    return 0;
}

int users_file_open(struct users_file *p, const char *path)
{
    int r;

    *p = (struct users_file){ .directory_fd = -1, .lock_fd = -1 };
    r = resolve_path(p, path);
    if (r < 0)
        return r;
    p->name[-1] = '\0';
    p->directory_fd =
        open(p->path[0] ? p->path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    r = p->directory_fd < 0 ? -errno : 0;
    p->name[-1] = '/';
    return r;
}

void users_file_close(struct users_file *p)
{
    fd_close(&p->directory_fd);
    fd_close(&p->lock_fd);
}

static int beside(const char *before, const char *name, const char *ending,
                  char out[NAME_MAX + 1])
{
    int n = snprintf(out, NAME_MAX + 1, "%s%s%s", before, name, ending);

    return n > NAME_MAX ? -ENAMETOOLONG : 0;
}

static int open_at(const struct users_file *p, const char *name, int flags)
{
    int fd = openat(p->directory_fd, name,
                    flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

    return fd < 0 ? -errno : fd;
}

/* The endings of temporary names. Only this code uses such names, and only
 * under the lock, so an administrator's own users.new stays. An old file with
 * such a name is the leftover of a killed process. */
#define NEW  ".sallyport-new"
#define SEEN ".sallyport-seen"

static bool has_no_links(int error)
{
    return error == EPERM || error == EOPNOTSUPP || error == ENOSYS ||
           error == EMLINK;
}

static int open_current(const struct users_file *p)
{
    char seen[NAME_MAX + 1];
    int r = beside(".", p->name, SEEN, seen);

    if (r < 0)
        return r;
    unlinkat(p->directory_fd, seen, 0); /* a leftover of a killed process */
    if (linkat(p->directory_fd, p->name, p->directory_fd, seen, 0) < 0)
        return has_no_links(errno) ? open_at(p, p->name, O_RDONLY) : -errno;
    r = open_at(p, seen, O_RDONLY);
    unlinkat(p->directory_fd, seen, 0);
    return r;
}

/* Asks the kernel for a read lease, which it grants only if nobody has the file
 * open for writing; then drops the lease at once. If somebody opens the file in
 * between, the kernel sends SIGURG, which does nothing. */
bool users_file_is_written(int fd)
{
    if (fcntl(fd, F_SETSIG, SIGURG) < 0)
        return false;
    if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
        return errno == EAGAIN && !fd_has_no_leases(fd, EAGAIN);
    fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
}

bool users_file_is_lost(const char *path, bool there, struct complaint *c)
{
    char mark[PATH_MAX + 16], real[PATH_MAX];

    place_resolve(NULL, path, real);
    snprintf(mark, sizeof(mark), "%s.last-uid", real);
    if (access(mark, F_OK) < 0)
        return false;
    complain(c,
             "%s is %s, but %s says that it had users; restore it from a "
             "backup; to begin again, give it one line, \"#\"",
             path, there ? "empty" : "missing", mark);
    return true;
}

static void remove_leftover(int directory_fd, const char *name)
{
    char path[NAME_MAX + 1];

    if (beside(".", name, NEW, path) == 0)
        unlinkat(directory_fd, path, 0);
}

int users_file_lock(struct users_file *p, uint64_t ms)
{
    char name[NAME_MAX + 1];
    int r = beside("", p->name, ".lock", name);

    if (r == 0)
        p->lock_fd = open_at(p, name, O_RDWR | O_CREAT);
    if (r == 0)
        r = p->lock_fd < 0 ? p->lock_fd : fd_lock(p->lock_fd, ms);
    if (r == 0)
        remove_leftover(p->directory_fd, p->name);
    return r;
}

/* Sets the owner and the group, and then the mode: until then, only the owner
 * can read the bytes. */
static int replace_set_owner(int fd, const struct stat *like)
{
    struct stat st;

    if (!like)
        return 0;
    if (fstat(fd, &st))
        return -errno;
    if ((st.st_uid != like->st_uid || st.st_gid != like->st_gid) &&
        fchown(fd, like->st_uid, like->st_gid))
        return -errno;
    return fchmod(fd, like->st_mode & (S_IRWXU | S_IRWXG)) ? -errno : 0;
}

int users_file_read(struct users_file *p, struct buf *text)
{
    FD_CLEANUP int fd = open_current(p);
    int r;

    if (fd < 0)
        return fd;
    if (fstat(fd, &p->read) < 0)
        return -errno;
    r = fd_read_file(fd, text);
    return r < 0 ? r : users_file_is_written(fd);
}

/* Checks the lock and the file: if this machine was cut off from the disk, it
 * can have lost the lock, and another machine can have changed the file. */
static int check_still_ours(const struct users_file *p)
{
    FD_CLEANUP int fd = -1;
    struct stat now = { 0 };

    if (flock(p->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return -ESTALE;
    fd = open_current(p);
    if (fd < 0 && fd != -ENOENT)
        return fd;
    if (fd >= 0 && fstat(fd, &now) < 0)
        return -errno;
    return now.st_dev == p->read.st_dev && now.st_ino == p->read.st_ino &&
                   now.st_size == p->read.st_size &&
                   now.st_mtim.tv_sec == p->read.st_mtim.tv_sec &&
                   now.st_mtim.tv_nsec == p->read.st_mtim.tv_nsec
               ? 0
               : -ESTALE;
}

/* Gives the file TEMP its name NAME. If users_file_read() found no users file,
 * returns -ESTALE if the users file exists now; on a disk without links,
 * replaces it. */
static int give_name(int directory_fd, const char *temp, const char *name,
                     const struct users_file *p)
{
    if (p && p->read.st_ino == 0) {
        if (linkat(directory_fd, temp, directory_fd, name, 0) == 0) {
            unlinkat(directory_fd, temp, 0);
            return 0;
        }
        if (!has_no_links(errno))
            return errno == EEXIST ? -ESTALE : -errno;
    }
    return renameat(directory_fd, temp, directory_fd, name) < 0 ? -errno : 0;
}

/* Replaces a file. P is the users file, whose lock the caller holds; NULL:
 * another file. */
static int replace(int directory_fd, const char *name, struct slice bytes,
                   const struct stat *like, users_file_check *check,
                   void *owner, const struct users_file *p, bool *stands)
{
    char temp[NAME_MAX + 1];
    int r = beside(".", name, NEW, temp);
    FD_CLEANUP int fd = -1;

    *stands = false;
    if (r)
        return r;
    remove_leftover(directory_fd, name);
    fd = openat(directory_fd, temp,
                O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    r = fd_write_all(fd, bytes.ptr, bytes.len);

    if (r == 0)
        r = replace_set_owner(fd, like);
    if (r == 0 && check)
        r = check(fd, owner);
    if (r == 0 && fsync(fd))
        r = -errno;
    if (r == 0 && p)
        r = check_still_ours(p);
    if (r == 0) {
        /* Under its name the file must not be open for writing: then the server
         * would take it for incomplete. */
        fd_close(&fd);
        r = give_name(directory_fd, temp, name, p);
    }
    if (r) {
        remove_leftover(directory_fd, name);
        return r;
    }
    *stands = true;
    return fsync(directory_fd) ? -errno : 0;
}

int users_file_replace(int directory_fd, const char *name, struct slice bytes,
                       const struct stat *like, users_file_check *check,
                       void *owner, bool *stands)
{
    return replace(directory_fd, name, bytes, like, check, owner, NULL, stands);
}

int users_file_commit(const struct users_file *p, struct slice bytes,
                      users_file_check *check, void *owner, bool *stands)
{
    const struct stat *like = p->read.st_ino != 0 ? &p->read : NULL;

    return replace(p->directory_fd, p->name, bytes, like, check, owner, p,
                   stands);
}

/* Refuses if the new file has another owner or group than the old file: no
 * process of the server may give files away. Sets the old file's mode. */
static int keep_owner(int fd, void *owner)
{
    const struct stat *old = owner;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_uid != old->st_uid || st.st_gid != old->st_gid)
        return -EPERM;
    return fchmod(fd, old->st_mode & (S_IRWXU | S_IRWXG)) < 0 ? -errno : 0;
}

int users_file_set_hash(const char *path, const struct hash_change *change,
                        bool *stands)
{
    struct buf text, changed;
    struct users_file p;
    int r = users_file_open(&p, path);

    *stands = false;
    buf_init(&text, USERS_FILE_MAX);
    buf_init(&changed, USERS_FILE_MAX);
    if (r == 0)
        r = users_file_lock(&p, 0);
    if (r == 0)
        r = users_file_read(&p, &text);
    if (r > 0)
        r = -ETIMEDOUT;
    if (r == 0 && !slice_equal(buf_slice(&text), change->text))
        r = -ESTALE;
    if (r == 0)
        r = row_change_hash(buf_slice(&text), change, &changed);
    if (r == 0)
        r = replace(p.directory_fd, p.name, buf_slice(&changed), NULL,
                    keep_owner, &p.read, &p, stands);
    buf_release(&text);
    buf_release(&changed);
    users_file_close(&p);
    return r;
}
