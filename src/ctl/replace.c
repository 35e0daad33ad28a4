/* Replaces a file's content in one step: a new file is written, synced and
 * renamed. Runs under the lock of edit.c, so an old NAME.new is a leftover of a
 * killed process. */
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

static int temp_name(const char *name, char out[NAME_MAX + 1])
{
    int n = snprintf(out, NAME_MAX + 1, "%s.new", name);

    return n > NAME_MAX ? -ENAMETOOLONG : 0;
}

void replace_clean(int directory_fd, const char *name)
{
    char temp[NAME_MAX + 1];

    if (temp_name(name, temp) == 0)
        unlinkat(directory_fd, temp, 0);
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
                         replace_check *check, void *owner)
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

int replace_file(int directory_fd, const char *name, struct slice bytes,
                 const struct stat *like, replace_check *check, void *owner,
                 bool *stands)
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
