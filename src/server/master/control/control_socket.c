/* The control socket in the file system. Master makes or inherits the socket
 * before its sandbox closes, and removes it at the end of the service. The
 * socket's mode, its directory and SO_PEERCRED (control.c) restrict who may
 * connect. A living server never loses its socket's name to another server. */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sallyport/base/address.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"
#include "sallyport/settings/settings.h"

#define BACKLOG 8
#define LOCK_MS 2000

/* Refuses an unsafe directory: a user who can write to it could put another
 * socket there. */
static int control_open_directory(struct control_socket *s, const char *path,
                                  struct complaint *c)
{
    char directory[SETTINGS_PATH_MAX];
    const char *name;
    struct stat st;
    int r = local_split(path, directory, sizeof(directory), &name);

    if (r == 0)
        r = slice_copy(slice_from(name), s->name, sizeof(s->name));
    if (r < 0)
        return complain(c, "%s: %s", path, strerror(-r));
    /* Make nothing if the directory is there: in a frozen file system mkdir(2)
     * waits even then. */
    s->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->directory < 0 && errno == ENOENT && mkdir(directory, 0711) < 0 &&
        errno != EEXIST && errno != ENOENT)
        return complain(c, "%s: %s: %s", path, directory, strerror(errno));
    if (s->directory < 0)
        s->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->directory < 0 || fstat(s->directory, &st) < 0)
        return complain(c, "%s: %s: %s", path, directory, strerror(errno));
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return complain(c, "%s: its directory belongs to uid %lu", path,
                        (unsigned long)st.st_uid);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return complain(c,
                        "%s: others can write its directory; choose a "
                        "directory that only it uses",
                        path);
    return 0;
}

static int control_socket_new(void)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    return fd < 0 ? -errno : fd;
}

/* Removes a socket without a server. Returns 0; -EADDRINUSE: a server listens
 * there, even if its queue of callers is full; -ENOTSOCK: the file is no
 * socket; or another -errno. */
static int control_socket_remove_stale(const struct control_socket *s,
                                       const struct sockaddr_un *at,
                                       socklen_t size)
{
    FD_CLEANUP int fd = control_socket_new();
    struct stat st;

    if (fstatat(s->directory, s->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -ENOTSOCK;
    if (fd < 0)
        return fd;
    if (connect(fd, (const struct sockaddr *)at, size) == 0 ||
        errno != ECONNREFUSED)
        return -EADDRINUSE;
    return unlinkat(s->directory, s->name, 0) < 0 ? -errno : 0;
}

bool control_socket_answers(const char *path)
{
    char parent[SETTINGS_PATH_MAX];
    struct sockaddr_un at;
    const char *name;

    if (local_split(path, parent, sizeof(parent), &name) < 0)
        return false;
    FD_CLEANUP int directory = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    FD_CLEANUP int fd = control_socket_new();
    int size = directory < 0 ? -1 : local_address(directory, name, &at);

    return fd >= 0 && size >= 0 &&
           (connect(fd, (const struct sockaddr *)&at, (socklen_t)size) == 0 ||
            errno == EAGAIN);
}

/* Returns the name under which the supervisor keeps the socket. The name
 * contains the socket's inode, which stays the same as long as the socket
 * exists. So master uses an inherited socket if its inode is at the path, in
 * whatever way the settings write the path. */
static const char *control_socket_name(const struct control_socket *s,
                                       char name[GENERATION_NAME_MAX])
{
    snprintf(name, GENERATION_NAME_MAX, "control %llx %llx",
             (unsigned long long)s->made.st_dev,
             (unsigned long long)s->made.st_ino);
    return name;
}

/* Makes the socket, under a lock: if two servers start at the same moment, one
 * checks after the other. Nobody else can open the file of the lock, as
 * everybody can a directory with mode 0755. The socket has mode 0600 from the
 * first moment on. */
static int control_socket_make(struct control_socket *s)
{
    char lock[sizeof(s->name) + sizeof(".lock")];
    mode_t old;
    struct sockaddr_un at;
    int size = local_address(s->directory, s->name, &at);
    int r = size < 0 ? size : 0;

    snprintf(lock, sizeof(lock), "%s.lock", s->name);
    FD_CLEANUP int fd = openat(s->directory, lock,
                               O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (r == 0)
        r = fd < 0 ? -errno : fd_lock(fd, LOCK_MS);
    if (r == 0)
        r = control_socket_remove_stale(s, &at, (socklen_t)size);
    if (r == 0) {
        s->fd = control_socket_new();
        r = s->fd < 0 ? s->fd : 0;
    }
    if (r == 0) {
        old = umask(0177);
        if (bind(s->fd, (const struct sockaddr *)&at, (socklen_t)size) < 0)
            r = -errno;
        umask(old);
    }
    if (r == 0 &&
        (listen(s->fd, BACKLOG) < 0 ||
         fstatat(s->directory, s->name, &s->made, AT_SYMLINK_NOFOLLOW) < 0))
        r = -errno;
    return r;
}

static int control_socket_refuse(const char *path, int error,
                                 struct complaint *c)
{
    if (error == EADDRINUSE) {
        complain(c, "%s: another server answers there", path);
        return -EAGAIN;
    }
    if (error == ENOTSOCK)
        return complain(c, "%s: is there already and isn't a socket", path);
    if (error == ETIMEDOUT)
        complain(c,
                 "%s.lock: another process has locked it; to see which, run: "
                 "lslocks",
                 path);
    else
        complain(c, "%s: %s", path, strerror(error));
    return fd_may_pass(error) ? -EAGAIN : -EINVAL;
}

int control_socket_open(struct control_socket *s, const char *path,
                        struct succession *h, struct complaint *c)
{
    char name[GENERATION_NAME_MAX];
    int r;

    *s = (struct control_socket){ .fd = -1, .directory = -1 };
    snprintf(s->path, sizeof(s->path), "%s", path);
    r = control_open_directory(s, path, c);
    if (r == 0) {
        if (fstatat(s->directory, s->name, &s->made, AT_SYMLINK_NOFOLLOW) ==
                0 &&
            S_ISSOCK(s->made.st_mode))
            s->fd = succession_inherit(h, control_socket_name(s, name));
        s->inherited = s->fd >= 0;
        if (!s->inherited)
            r = control_socket_make(s);
        if (r == 0)
            r = succession_keep(h, control_socket_name(s, name), s->fd);
        if (r < 0)
            r = control_socket_refuse(path, -r, c);
    }
    if (r < 0) {
        fd_close(&s->fd);
        fd_close(&s->directory);
    }
    return r;
}

/* Sets the socket's group without CAP_CHOWN: an owner may give a file to any of
 * its own groups, so root's group changes for a moment. The running server has
 * the same socket, and refuses callers whom its own settings don't permit. */
static int control_socket_chown(const struct control_socket *s, gid_t group)
{
    gid_t own = getegid();
    int r = 0;

    if (geteuid() == 0 && group != own && setegid(group) < 0)
        return -errno;
    if (fchownat(s->directory, s->name, (uid_t)-1, group, AT_SYMLINK_NOFOLLOW) <
        0)
        r = -errno;
    if (setegid(own) < 0)
        abort(); /* it was permitted before */
    return r;
}

/* Gives the socket to GROUP, or to no group if GROUP is 0. After a failure the
 * socket still admits the callers whom the running server admits. */
static int control_socket_give(const struct control_socket *s, gid_t group)
{
    const mode_t mode = group != 0 ? 0660 : 0600;
    const gid_t to = group != 0 ? group : getegid();
    struct stat st;
    int r;

    if (fstatat(s->directory, s->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    /* If nothing changes, do nothing, so that callers can connect at each
     * moment of a reload. */
    if (st.st_gid == to && (st.st_mode & 07777) == mode)
        return 0;
    if (fchmodat(s->directory, s->name, 0600, 0) < 0)
        return -errno;
    r = control_socket_chown(s, to);
    if (fchmodat(s->directory, s->name, r < 0 ? st.st_mode & 07777 : mode, 0) <
            0 &&
        r == 0)
        r = -errno;
    return r;
}

int control_socket_permits(const struct control_socket *s, gid_t group,
                           struct complaint *c)
{
    struct stat st;
    int r = fstat(s->directory, &st) < 0 ? -errno : 0;

    if (r == 0 && group != 0 && !(st.st_mode & S_IXOTH) &&
        (st.st_gid != group || !(st.st_mode & S_IXGRP)))
        return complain(c,
                        "%s: control_group can't pass its directory; run: "
                        "chmod o+x %.*s",
                        s->path, (int)(strrchr(s->path, '/') - s->path),
                        s->path);
    return r < 0 ? complain(c, "%s: %s", s->path, strerror(-r)) : 0;
}

int control_socket_admit(const struct control_socket *s, gid_t group,
                         struct complaint *c)
{
    int r = s->fd < 0 ? 0 : control_socket_give(s, group);

    return r < 0 ? complain(c, "%s: control_group: %s", s->path, strerror(-r))
                 : 0;
}

void control_socket_close(struct control_socket *s, bool remove)
{
    struct stat st;

    if (remove && s->fd >= 0 &&
        fstatat(s->directory, s->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        st.st_dev == s->made.st_dev && st.st_ino == s->made.st_ino)
        unlinkat(s->directory, s->name, 0);
    fd_close(&s->fd);
    fd_close(&s->directory);
}
