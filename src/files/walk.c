/* Walks a home by open directories, in the process files. It follows no link
 * and keeps one directory's buffer per level. It watches session and master
 * itself, since a walk that finds nothing sends nothing. */
#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory.h"
#include "resolve.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "state.h"

#define DEPTH_MAX  128  /* directories within directories */
#define LOOK_EVERY 1024 /* names between two checks of the peers */

void walk_not_read(struct walk *w, int error)
{
    if (error == -ENOENT || error == -ENOTDIR || error == -ELOOP)
        return; /* gone meanwhile, or no directory, or a link */
    w->unread++;
    w->error = -error;
}

bool walk_goes_on(struct walk *w)
{
    struct files *f = w->f;
    struct pollfd ends[] = { { .fd = f->session.fd }, { .fd = f->master.fd } };

    if ((w->most > 0 && w->names >= w->most) ||
        (w->until > 0 && clock_ms() >= w->until))
        return false;
    if (!f->over && w->names++ % LOOK_EVERY == 0 && poll(ends, 2, 0) > 0)
        f->over = true;
    return !f->over;
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

static void walk_directory(struct walk *w, int fd, unsigned depth);

static void walk_into(struct walk *w, int fd, const char *name, unsigned depth)
{
    size_t len = w->path.len;
    FD_CLEANUP int inner = resolve_in(fd, name, O_RDONLY | O_DIRECTORY, 0);

    if (inner < 0) {
        walk_not_read(w, inner);
    } else if (depth == DEPTH_MAX || !walk_enter(&w->path, name)) {
        walk_not_read(w, -ENAMETOOLONG);
    } else {
        walk_directory(w, inner, depth + 1);
        walk_leave(&w->path, len);
    }
}

/* First all its names; then, from the start again, the directories in it. */
static void walk_directory(struct walk *w, int fd, unsigned depth)
{
    struct directory *d = malloc(sizeof(*d));
    const char *name;
    int r = d ? 1 : -ENOMEM;

    if (d)
        directory_begin(d, fd);
    while (r == 1 && walk_goes_on(w) && (r = directory_next(d, &name)) == 1)
        w->on_name(w, fd, name);
    if (w->on_end)
        w->on_end(w, fd);
    if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
        r = -errno;
    if (r == 0) {
        directory_begin(d, fd);
        while (walk_goes_on(w) && (r = directory_next(d, &name)) == 1)
            if (d->maybe_directory)
                walk_into(w, fd, name, depth);
    }
    free(d);
    if (r < 0)
        walk_not_read(w, r);
}

void walk_home(struct walk *w)
{
    FD_CLEANUP int root =
        resolve_in(w->f->root, ".", O_RDONLY | O_DIRECTORY, 0);

    path_root(&w->path);
    if (root < 0)
        walk_not_read(w, root);
    else
        walk_directory(w, root, 0);
}
