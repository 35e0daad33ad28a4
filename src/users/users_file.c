/* The users file on the disk. The lock is a file of its own beside it
 * (USERS.lock), since an edit replaces the users file itself. Two edits never
 * overlap; a reader needs no lock. Runs in sallyportctl, and as root in master,
 * which only searches the text for one line. */
#include "sallyport/users/users_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/users/users.h"

/* A link to the users file is resolved first, or the rename would replace the
 * link. */
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

    p->directory_fd = p->lock_fd = -1;
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

int users_file_open_beside(const struct users_file *p, const char *ending,
                           int flags)
{
    char name[NAME_MAX + 1];
    int n = snprintf(name, sizeof(name), "%s%s", p->name, ending);
    int fd;

    if (n > NAME_MAX)
        return -ENAMETOOLONG;
    fd = openat(p->directory_fd, name,
                flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    return fd < 0 ? -errno : fd;
}

/* The kernel grants a lease for reading only while nobody writes. The lease
 * ends at once. The signal, for somebody who opens the file meanwhile, is one
 * that does nothing. */
bool users_file_is_written(int fd)
{
    if (fcntl(fd, F_SETSIG, SIGURG) < 0)
        return false;
    if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
        return errno == EAGAIN;
    fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
}

/* A replacement runs under the lock, so an old new file is a leftover of a
 * killed process. Nobody else gives a file such a name: an administrator's own
 * users.new stays. */

static int temp_name(const char *name, char out[NAME_MAX + 1])
{
    int n = snprintf(out, NAME_MAX + 1, ".%s.sallyport-new", name);

    return n > NAME_MAX ? -ENAMETOOLONG : 0;
}

/* Removes the leftover of a killed process. */
static void replace_clean(int directory_fd, const char *name)
{
    char temp[NAME_MAX + 1];

    if (temp_name(name, temp) == 0)
        unlinkat(directory_fd, temp, 0);
}

int users_file_lock(struct users_file *p, uint64_t ms)
{
    int r;

    p->lock_fd = users_file_open_beside(p, ".lock", O_RDWR | O_CREAT);
    r = p->lock_fd < 0 ? p->lock_fd : fd_lock(p->lock_fd, ms);
    if (r == 0)
        replace_clean(p->directory_fd, p->name);
    return r;
}

/* Sets the mode last: until then only the caller can read the bytes. */
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

static int write_content(int fd, struct slice bytes, const struct stat *like,
                         users_file_check *check, void *owner)
{
    int r = fd_write_all(fd, bytes.ptr, bytes.len);

    if (r == 0)
        r = replace_set_owner(fd, like);
    if (r == 0 && check)
        r = check(fd, owner);
    if (r == 0 && fsync(fd))
        r = -errno;
    return r;
}

int users_file_replace(int directory_fd, const char *name, struct slice bytes,
                       const struct stat *like, users_file_check *check,
                       void *owner, bool *stands)
{
    char temp[NAME_MAX + 1];
    int r = temp_name(name, temp);
    FD_CLEANUP int fd = -1;

    *stands = false;
    if (r)
        return r;
    replace_clean(directory_fd, name);
    fd = openat(directory_fd, temp,
                O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    r = write_content(fd, bytes, like, check, owner);
    if (r == 0 && renameat(directory_fd, temp, directory_fd, name))
        r = -errno;
    if (r) {
        replace_clean(directory_fd, name);
        return r;
    }
    *stands = true;
    return fsync(directory_fd) ? -errno : 0;
}

static int read_text(const struct users_file *p, struct buf *text,
                     struct stat *st)
{
    FD_CLEANUP int fd = users_file_open_beside(p, "", O_RDONLY);

    if (fd < 0)
        return fd;
    if (fstat(fd, st) < 0)
        return -errno;
    return users_file_is_written(fd) ? -ETIMEDOUT : fd_read_file(fd, text);
}

/* No process of the server may give files away. */
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
    struct stat st;
    int r = users_file_open(&p, path);

    *stands = false;
    buf_init(&text, USERS_FILE_MAX);
    buf_init(&changed, USERS_FILE_MAX);
    if (r == 0)
        r = users_file_lock(&p, 0);
    if (r == 0)
        r = read_text(&p, &text, &st);
    if (r == 0 && !slice_equal(buf_slice(&text), change->text))
        r = -ESTALE;
    if (r == 0)
        r = columns_set_hash(buf_slice(&text), change, &changed);
    if (r == 0)
        r = users_file_replace(p.directory_fd, p.name, buf_slice(&changed),
                               NULL, keep_owner, &st, stands);
    buf_release(&text);
    buf_release(&changed);
    users_file_close(&p);
    return r;
}
