/* Makes homes. Runs as root in directories in which users may rename things at
 * the same time. So each step acts on a descriptor, and the last component is
 * never followed if it is a link. */
#include "home.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

#include "ctl.h"

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

int home_tidy(struct slice path, char *out, size_t size)
{
    struct slice part;
    size_t len = 0;

    while (slice_cut(&path, '/', &part)) {
        if (part.len == 0)
            continue;
        if (len + part.len + 2 > size)
            return -ENAMETOOLONG;
        out[len++] = '/';
        memcpy(out + len, part.ptr, part.len);
        len += part.len;
    }
    out[len] = '\0';
    return 0;
}

bool home_beneath(const char *path, const char *directory)
{
    size_t len = strlen(directory);

    return !strncmp(path, directory, len) &&
           (path[len] == '\0' || path[len] == '/');
}

bool home_overlaps(const char *home, const char *other)
{
    char tidy[PATH_MAX];

    if (home_tidy(slice_from(other), tidy, sizeof(tidy)))
        return false;
    return home_beneath(home, tidy) || home_beneath(tidy, home);
}

static int home_fail(struct complaint *c, const char *path, int error)
{
    complain(c, "%s: %s%s", path, strerror(error),
             error == ENOENT ? "; make its parent directory first" : "");
    return ctl_exit_of(error) == EX_NOPERM ? EX_NOPERM : EX_CANTCREAT;
}

static uid_t wanted_owner(uid_t uid)
{
    return geteuid() == 0 ? uid : geteuid();
}

/* 0711: each user passes through it, but can't list the other homes. */
static int make_homes(const char *homes, struct complaint *c)
{
    if (mkdir(homes, 0711) == 0)
        return chmod(homes, 0711) ? home_fail(c, homes, errno) : 0;
    return errno == EEXIST ? 0 : home_fail(c, homes, errno);
}

int home_open_parent(const char *home, const char *homes)
{
    char rest[PATH_MAX];
    FD_CLEANUP int fd = -1;
    char *at = rest, *slash;

    if (!home_beneath(home, homes)) {
        if (slice_copy(slice_from(home), rest, sizeof(rest)))
            return -ENAMETOOLONG;
        *strrchr(rest, '/') = '\0';
        fd = open(rest[0] ? rest : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd_take(&fd);
    }
    if (slice_copy(slice_from(home + strlen(homes) + 1), rest, sizeof(rest)))
        return -ENAMETOOLONG;
    fd = open(homes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (fd >= 0 && (slash = strchr(at, '/'))) {
        int next;

        *slash = '\0';
        next = openat(fd, at, DIRECTORY_FLAGS);
        fd_close(&fd);
        fd = next;
        at = slash + 1;
    }
    return fd < 0 ? -errno : fd_take(&fd);
}

/* Keeps an existing home if it belongs to the user. */
static int check_kept(int fd, const char *home, uid_t uid, bool offer,
                      struct complaint *c)
{
    char uid_words[40] = "";
    struct stat st;

    if (fstat(fd, &st))
        return home_fail(c, home, errno);
    if (offer)
        snprintf(uid_words, sizeof(uid_words), "--uid %u or ",
                 (unsigned)st.st_uid);
    if (st.st_uid == wanted_owner(uid))
        return 0;
    if (st.st_uid == 0) /* made by hand, or a system directory such as /etc */
        complain(c,
                 "%s exists and belongs to root; give another --home DIR, or, "
                 "if it was made for this user, run: chown %u %s",
                 home, (unsigned)wanted_owner(uid), home);
    else
        complain(c,
                 "%s exists and belongs to uid %u; give %sanother --home DIR, "
                 "or run: chown %u %s",
                 home, (unsigned)st.st_uid, uid_words,
                 (unsigned)wanted_owner(uid), home);
    return EX_CANTCREAT;
}

static int home_set_owner(int fd, int parent, const char *home, uid_t uid,
                          gid_t gid, struct complaint *c)
{
    if (fchmod(fd, 0700) || (geteuid() == 0 && fchown(fd, uid, gid)) ||
        fsync(parent))
        return home_fail(c, home, errno);
    return 0;
}

int home_make(const char *home, const char *homes, uid_t uid, gid_t gid,
              bool offer, bool *made, struct complaint *c)
{
    const char *name = strrchr(home, '/') + 1;
    FD_CLEANUP int parent = -1;
    FD_CLEANUP int fd = -1;
    int code = home_beneath(home, homes) ? make_homes(homes, c) : 0;

    if (code)
        return code;
    parent = home_open_parent(home, homes);
    if (parent < 0)
        return home_fail(c, home, -parent);
    *made = mkdirat(parent, name, 0700) == 0;
    if (!*made && errno != EEXIST)
        return home_fail(c, home, errno);
    fd = openat(parent, name, DIRECTORY_FLAGS);
    code = fd < 0  ? home_fail(c, home, errno)
           : *made ? home_set_owner(fd, parent, home, uid, gid, c)
                   : check_kept(fd, home, uid, offer, c);
    if (code && *made)
        unlinkat(parent, name, AT_REMOVEDIR);
    return code;
}

void home_unmake(const char *home)
{
    rmdir(home);
}
