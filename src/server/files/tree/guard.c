/* Protects directories of the home that have their own rights, in the process
 * files. A path chooses its rights by its bytes; but a file system that ignores
 * case, normalises names or has short names takes several spellings for one
 * name. So the functions below compare each component of a path, by device and
 * inode, with these directories and their parents, and refuse another path to
 * one of them. Parents count, too: if a user could rename a parent, everything
 * in it would get the rights of the home. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "sallyport/base/fd.h"

struct guarded {
    struct slice above, name; /* its only path */
    bool known;               /* it was there at the login, as ST */
    struct stat st;
};

static bool guard_is_own(const struct files *f, struct slice above,
                         struct slice name)
{
    for (size_t i = 0; i < f->guarded_count; i++)
        if (slice_equal(f->guarded[i].above, above) &&
            slice_equal(f->guarded[i].name, name))
            return true;
    return false;
}

static int guard_add(struct files *f, struct slice at, bool late)
{
    struct guarded one = { .known = false };
    char path[FTP_PATH_MAX + 1];

    path_split(at, &one.above, &one.name);
    if (guard_is_own(f, one.above, one.name))
        return 0;
    if (slice_copy(at, path, sizeof(path)) != 0)
        return -ENAMETOOLONG;
    struct guarded *all =
        reallocarray(f->guarded, f->guarded_count + 1, sizeof(*all));
    if (!all)
        return -ENOMEM;
    f->guarded = all;
    FD_CLEANUP int fd =
        late ? -ETIMEDOUT
             : resolve_in(f->mount[0].fd, path + 1, O_PATH | O_DIRECTORY, 0);
    one.known = fd >= 0 && fstat(fd, &one.st) == 0;
    all[f->guarded_count++] = one;
    return 0;
}

int guard_note(struct files *f, const struct mount *m, bool late)
{
    int r = 0;

    for (size_t len = 1; len <= m->at.len && r == 0; len++)
        if (len == m->at.len || m->at.ptr[len] == '/')
            r = guard_add(f, (struct slice){ m->at.ptr, len }, late);
    return r;
}

/* Compares the directory NAME, with the facts ST, with the directory that has
 * the path of G now, since G may have been made or replaced after the login.
 * Returns 0: they differ; -ENOENT: they are the same; or another -errno. */
static int guard_compare_now(const struct guarded *g, int directory,
                             const char *name, const struct stat *st)
{
    char own[NAME_MAX + 1];
    struct stat there;

    if (slice_copy(g->name, own, sizeof(own)) != 0)
        return -ENAMETOOLONG;
    FD_CLEANUP int fd = resolve_unmounted(directory, own, O_PATH);
    if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
        return 0;
    if (fd == -EXDEV) {
        /* A disk is mounted at G, and can hang. Looks at G only if a disk is
         * mounted at NAME, too: another spelling of G would lead to the same
         * mount. */
        FD_CLEANUP int other = resolve_unmounted(directory, name, O_PATH);

        if (other != -EXDEV)
            return other < 0 ? other : 0;
        if (fstatat(directory, own, &there, AT_SYMLINK_NOFOLLOW) < 0)
            return -errno;
    } else if (fd < 0) {
        return fd;
    } else if (fstat(fd, &there) < 0) {
        return -errno;
    }
    return resolve_is_same(&there, st) ? -ENOENT : 0;
}

#define GUARD_MISSING 1

static int guard_look(const struct files *f, struct slice above, int directory,
                      const char *name)
{
    struct stat st;
    int r = 0;

    if (guard_is_own(f, above, slice_from(name)))
        return 0;
    if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? GUARD_MISSING : -errno;
    if (!S_ISDIR(st.st_mode))
        return 0;
    for (size_t i = 0; i < f->guarded_count && r == 0; i++) {
        const struct guarded *g = &f->guarded[i];
        if (g->known && resolve_is_same(&g->st, &st))
            r = -ENOENT;
        else if (slice_equal(g->above, above))
            r = guard_compare_now(g, directory, name, &st);
    }
    return r;
}

static bool guard_is_needed(const struct files *f, const struct mount *m)
{
    return f->guarded_count > 0 && !m->share && !m->drop;
}

int guard_name(const struct files *f, const struct mount *m, struct slice above,
               int directory, const char *name)
{
    int r = guard_is_needed(f, m) ? guard_look(f, above, directory, name) : 0;

    return r == GUARD_MISSING ? 0 : r;
}

/* Refuses a missing name, too: if another process made it before the open, it
 * would be opened without a check. */
int guard_path(const struct files *f, const struct mount *m, struct slice path)
{
    struct slice rest = { path.ptr + m->at.len, path.len - m->at.len };
    struct slice component, above = m->at.len > 0 ? m->at : SLICE("/");
    FD_CLEANUP int fd = -1;
    char name[NAME_MAX + 1];
    int r = 0;

    while (r == 0 && guard_is_needed(f, m) &&
           slice_cut(&rest, '/', &component)) {
        if (component.len == 0)
            continue;
        if (slice_copy(component, name, sizeof(name)) != 0)
            return -ENAMETOOLONG;
        int directory = fd < 0 ? m->fd : fd;
        r = guard_look(f, above, directory, name);
        if (r == 0 && rest.len > 0) {
            int inner = resolve_in(directory, name, O_PATH | O_DIRECTORY, 0);

            fd_close(&fd);
            fd = inner;
            r = inner < 0 ? inner : 0;
        }
        above.ptr = path.ptr;
        above.len = (size_t)(component.ptr - path.ptr) + component.len;
    }
    return r == GUARD_MISSING ? -ENOENT : r;
}
