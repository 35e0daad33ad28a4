/* Changes the root directory by descriptor: for gate, auth and log an empty
 * directory, for files the user's home. Runs as root, before the ids change. It
 * never resolves a name, which another process could have changed meanwhile. */
#include "chroot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/sandbox/sandbox.h"

static bool is_empty(DIR *directory)
{
    const struct dirent *entry;

    while ((entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return false;
    }
    return true;
}

/* Opens the directory again, since the passed descriptor shares its position
 * with other processes. */
static int check_empty(int fd)
{
    FD_CLEANUP int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = own < 0 ? NULL : fdopendir(own);
    bool empty;

    if (!directory)
        return -errno;
    own = -1;
    empty = is_empty(directory);
    closedir(directory);
    return empty ? 0 : -ENOTEMPTY;
}

int sandbox_check_empty(int fd)
{
    struct stat facts;

    if (fstat(fd, &facts))
        return -errno;
    if (facts.st_uid != 0 || (facts.st_mode & (S_IWGRP | S_IWOTH)))
        return -EPERM;
    return check_empty(fd);
}

static int check_taken(int fd)
{
    struct stat wanted, root, here;

    if (fstat(fd, &wanted) || stat("/", &root) || stat(".", &here))
        return -errno;
    if (root.st_dev != wanted.st_dev || root.st_ino != wanted.st_ino ||
        here.st_dev != wanted.st_dev || here.st_ino != wanted.st_ino)
        return -EXDEV;
    return 0;
}

int chroot_enter(int fd, bool empty, struct complaint *why)
{
    int r = empty ? sandbox_check_empty(fd) : 0;

    if (r == -EPERM)
        return complain(why, "the empty directory must belong to root and be "
                             "writable by root alone");
    if (r)
        return r;
    if (fchdir(fd) || chroot("."))
        return -errno;
    return check_taken(fd);
}
