/* Reads directories by getdents64(2), in the process files: unsorted, and with
 * the same memory for 100,000 names as for one. Walks through all directories
 * of a mount. A walk follows no link, and keeps one buffer for each level of
 * directories. It watches session and master itself, since a walk that finds
 * nothing sends nothing. */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

void directory_begin(struct directory *d, int fd)
{
    d->fd = fd;
    d->len = d->at = 0;
}

int directory_next(struct directory *d, const char **name)
{
    for (;;) {
        if (d->at >= d->len) {
            ssize_t n = getdents64(d->fd, d->bytes, sizeof(d->bytes));
            if (n <= 0)
                return n < 0 ? -errno : 0;
            d->len = (size_t)n;
            d->at = 0;
        }
        const struct dirent64 *e = (const void *)(d->bytes + d->at);
        d->at += e->d_reclen;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        *name = e->d_name;
        d->maybe_directory = e->d_type == DT_DIR || e->d_type == DT_UNKNOWN;
        return 1;
    }
}

#define SIGN_EVERY_MS 1000
#define LOOK_EVERY    1024 /* names between two checks of the peers */

void walk_not_read(struct walk *w, int error)
{
    if (error == -ENOENT || error == -ENOTDIR || error == -ELOOP ||
        error == -EXDEV)
        return; /* it has gone, or is no directory, or a link, or a mount that
                 * is left out */
    w->unread++;
    if (error != -EACCES || w->error == 0)
        w->error = -error;
}

/* Returns false if the walk must end early. Call it once for each name. */
static bool walk_goes_on(struct walk *w)
{
    struct files *f = w->f;

    if (w->ends || (w->most > 0 && w->names >= w->most) ||
        (w->until > 0 && clock_ms() >= w->until))
        return false;
    if (w->to_the_end)
        return true;
    if (!f->over && w->names++ % LOOK_EVERY == 0 &&
        files_peer_gone_within(f, 0))
        f->over = true;
    if (!f->over && w->request > 0 && clock_ms() >= w->sign_at) {
        w->sign_at = clock_ms() + SIGN_EVERY_MS;
        walk_works(w, 0);
    }
    return !f->over;
}

void walk_works(const struct walk *w, uint64_t ms)
{
    ANSWER_WITHIN(w->f, WALK_READER_MS, working, w->request, .ms = ms);
}

bool walk_enter(struct path *p, const char *name)
{
    size_t len = p->len == 1 ? 0 : p->len, n = strlen(name);

    if (len + 1 + n > FTP_PATH_MAX)
        return false;
    p->bytes[len] = '/';
    memcpy(p->bytes + len + 1, name, n + 1);
    p->len = len + 1 + n;
    return true;
}

void walk_leave(struct path *p, size_t len)
{
    p->len = len;
    p->bytes[len] = '\0';
}

static void walk_directory(struct walk *w, int fd);

static void walk_into(struct walk *w, int fd, const char *name)
{
    size_t len = w->path.len;
    struct stat st, outer;

    if (mount_covers(w->f, path_slice(&w->path), name))
        return; /* the path leads into the share instead */
    FD_CLEANUP int inner =
        w->one_disk ? resolve_unmounted(fd, name)
                    : resolve_in(fd, name, O_RDONLY | O_DIRECTORY, 0);
    /* A snapshot or a subvolume of btrfs has a device number of its own, but
     * isn't mounted. */
    if (inner >= 0 && w->one_disk) {
        if (fstat(fd, &outer) < 0 || fstat(inner, &st) < 0) {
            walk_not_read(w, -errno);
            return;
        }
        if (st.st_dev != outer.st_dev)
            return;
    }

    /* If a home or share is a file system of its own, it contains lost+found,
     * the directory of fsck(8), which belongs to root: no user has ever made a
     * file in it. */
    if (inner == -EACCES && strcmp(name, "lost+found") == 0 &&
        fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_uid == 0 &&
        !(st.st_mode & (S_IRWXG | S_IRWXO)))
        return;
    if (inner < 0) {
        walk_not_read(w, inner);
    } else if (!walk_enter(&w->path, name)) {
        walk_not_read(w, -ENAMETOOLONG);
    } else {
        walk_directory(w, inner);
        walk_leave(&w->path, len);
    }
}

/* Visits all names first; then, from the start again, the directories. */
static void walk_directory(struct walk *w, int fd)
{
    struct directory *d = malloc(sizeof(*d));
    const char *name;
    int r = d ? 1 : -ENOMEM;

    if (d)
        directory_begin(d, fd);
    while (r == 1 && walk_goes_on(w) && (r = directory_next(d, &name)) == 1)
        w->on_name(w, fd, name);
    if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
        r = -errno;
    if (r == 0) {
        directory_begin(d, fd);
        while (walk_goes_on(w) && (r = directory_next(d, &name)) == 1)
            if (d->maybe_directory)
                walk_into(w, fd, name);
    }
    free(d);
    if (r < 0)
        walk_not_read(w, r);
}

void walk_below(struct walk *w, struct slice path)
{
    const size_t top = w->mount->at.len + 1; /* after the mount's path */

    resolve_request(path, &w->path);
    w->sign_at = clock_ms() + SIGN_EVERY_MS;
    FD_CLEANUP int fd =
        w->mount->fd < 0
            ? -ENOENT
            : resolve_in(w->mount->fd,
                         path.len > top ? w->path.bytes + top : ".",
                         O_RDONLY | O_DIRECTORY, 0);

    if (fd < 0) {
        walk_not_read(w, fd);
        w->error = -fd; /* also -ENOENT, which isn't counted as unread */
    } else {
        walk_directory(w, fd);
    }
}

void walk_mount(struct walk *w)
{
    walk_below(w, w->mount->at.len > 0 ? w->mount->at : SLICE("/"));
}
