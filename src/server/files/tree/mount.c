/* The directories that make up the user's tree, in the process files: the home
 * at "/", and the shares. Each is opened once, with the user's ids and before
 * chroot, so the kernel decides who may enter it. After that they are
 * descriptors only: a path chooses one of them by its virtual name, and is
 * resolved beneath it (resolve.c). */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/rights.h"
#include "sallyport/sandbox/sandbox.h"

const struct mount *mount_of(const struct files *f, struct slice path)
{
    for (const struct mount *m = f->mount + 1; m < f->mount + f->mounts; m++)
        if (slice_starts(path, m->at) &&
            (path.len == m->at.len || path.ptr[m->at.len] == '/'))
            return m;
    return f->mount;
}

bool mount_is_at(const struct mount *m, struct slice path)
{
    return m->at.len > 0 ? slice_equal(path, m->at) : path.len == 1;
}

bool mount_covers(const struct files *f, struct slice directory,
                  const char *name)
{
    for (const struct mount *m = f->mount + 1; m < f->mount + f->mounts; m++)
        if (directory.len == 1 && strcmp(m->at.ptr + 1, name) == 0)
            return true;
    return false;
}

bool mount_hides_names(const struct mount *m)
{
    return m->drop || m->mine;
}

int mount_refusal(const struct mount *m)
{
    return REFUSED(m->drop ? OUTCOME_IN_DROP : OUTCOME_NO_RIGHT);
}

/* Returns what the sandbox must permit. Uploading needs no reading, since a
 * partial is opened for writing only; but an upload that continues a finished
 * file reads it. */
unsigned mount_may(const struct mount *m)
{
    static const struct {
        unsigned rights; /* the mount must have all of them */
        unsigned may;
    } rows[] = {
        { RIGHT_LIST, BENEATH_LIST },
        { RIGHT_READ, BENEATH_READ },
        { RIGHT_WRITE, BENEATH_LIST | BENEATH_WRITE },
        { RIGHT_WRITE | RIGHT_REPLACE, BENEATH_READ },
        { RIGHT_DELETE, BENEATH_LIST | BENEATH_DELETE },
        { RIGHT_RENAME, BENEATH_LIST | BENEATH_RENAME },
        { RIGHT_DIRECTORY, BENEATH_LIST | BENEATH_DIRECTORY },
    };
    unsigned may = 0;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if ((rows[i].rights & ~m->rights) == 0 &&
            !(m->drop && rows[i].rights == RIGHT_RENAME))
            may |= rows[i].may;
    return may;
}

/* Sets the rights. A drop can be listed, but shows only what the session has
 * stored there, and this can be renamed. */
static void mount_set_rights(struct mount *m, unsigned rights)
{
    m->drop = rights_drop(rights);
    m->mine = !m->drop && rights & RIGHT_MINE;
    m->inspect = rights & RIGHT_INSPECT;
    m->follows &= !m->mine;
    m->rights =
        m->drop ? RIGHT_WRITE | RIGHT_LIST | RIGHT_RENAME : rights & RIGHT_ALL;
}

void mount_init(struct files *f, const struct files_start *start)
{
    struct mount *home = &f->mount[0];
    const unsigned file = start->rules.file_mode, dir = start->rules.dir_mode;

    *home = (struct mount){ .at = SLICE(""),
                            .fd = -1,
                            .follows = true,
                            .file_mode = file ? file : 0600,
                            .dir_mode = dir ? dir : 0700 };
    /* sallyportctl sees everything. */
    mount_set_rights(home, start->for_ctl ? RIGHT_ALL : start->rights);
    f->mounts = 1;
    for (size_t i = 0; i < start->mount_count && i < FILES_MOUNTS_MAX; i++) {
        const struct files_mount *from = &start->mounts[i];
        struct mount *m = &f->mount[f->mounts++];

        *m = (struct mount){
            .at = slice_from(from->at),
            .fd = -1,
            .share = true,
            .file_mode = from->file_mode ? from->file_mode : 0660,
            .dir_mode = from->dir_mode ? from->dir_mode : 0770,
        };
        mount_set_rights(m, from->rights);
    }
}

/* Opens the "." of FD, by which the kernel checks that the user may search the
 * directory. Returns a descriptor, or -errno, which the login reports. */
static int mount_searchable(int fd)
{
    return fd < 0 ? fd : resolve_in(fd, ".", O_PATH | O_DIRECTORY, 0);
}

/* Returns the part of PATH after ABOVE; NULL: PATH isn't beneath ABOVE. In the
 * process files no other function compares real paths as strings. The kernel
 * then decides whether the rest stays beneath ABOVE. */
static const char *mount_rest(const char *above, const char *path)
{
    size_t len = strlen(above);

    while (len > 0 && above[len - 1] == '/')
        len--;
    if (strncmp(path, above, len) != 0 || path[len] != '/')
        return NULL;
    path += len;
    while (*path == '/')
        path++;
    return *path ? path : NULL;
}

/* Opens a home or a share. If the server runs without root, opens it beneath
 * ABOVE, the directory of all homes, or of all shares: otherwise a person who
 * can edit the users file could name any directory of the user who runs the
 * server. */
static int mount_open_outside(bool root, const char *above, const char *path)
{
    const char *rest = above && !root ? mount_rest(above, path) : NULL;

    if (!root && !rest)
        return -EXDEV;
    FD_CLEANUP int top =
        open(root ? path : above, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (top < 0)
        return -errno;
    if (root)
        return mount_searchable(top);
    FD_CLEANUP int fd = resolve_beneath(top, rest, O_PATH | O_DIRECTORY);
    return mount_searchable(fd);
}

/* Master looks where a path leads only on local disks: cifs asks its server
 * even if statx(2) has AT_STATX_DONT_SYNC, and a silent server would make
 * master wait. quota_watch() has found which disks are local. */
static void mount_tell(struct files *f, const struct files_start *start,
                       const struct mount *m)
{
    struct stat st;

    if (!start->for_ctl && !m->quota.none && resolve_known(m->fd, &st) == 0)
        SEND(&f->master, files_opened, 0, .number = (uint64_t)(m - f->mount),
             .device = st.st_dev, .inode = st.st_ino);
}

void mount_open_others(struct files *f, const struct files_start *start)
{
    for (size_t i = 1; i < f->mounts; i++) {
        const struct files_mount *from = &start->mounts[i - 1];
        struct mount *m = &f->mount[i];

        SEND(&f->master, files_opens, 0, .at = slice_from(from->at));
        m->fd = from->late ? -ETIMEDOUT
                           : mount_open_outside(start->root, start->shares,
                                                from->path);
        if (m->fd < 0) {
            struct event_record e;
            char text[COMPLAINT_MAX];

            snprintf(text, sizeof(text), "share %s at %s: nothing is in it: %s",
                     from->at, from->path,
                     m->fd == -ETIMEDOUT ? "its disk doesn't answer"
                                         : strerrordesc_np(-m->fd));
            files_event_begin(f, &e, EVENT_TROUBLE, text);
            event_send(&f->log, &e);
            continue;
        }
        quota_watch(m);
        mount_tell(f, start, m);
        f->writes_only |= !(mount_may(m) & BENEATH_READ);
    }
}

/* Before each directory it tells master the path, since a call on a disk can
 * hang. */
int mount_open_home(struct files *f, const struct files_start *start)
{
    struct mount *home = &f->mount[0];
    size_t groups = (size_t)f->group_count;
    int r = start->root ? sandbox_become(f->uid, f->gid, f->groups, groups) : 0;

    if (r < 0)
        return r;
    SEND(&f->master, files_opens, 0, .at = SLICE("/"));
    home->fd = mount_open_outside(start->root, start->homes, start->home);
    if (home->fd < 0)
        return home->fd;
    quota_watch(home);
    mount_tell(f, start, home);
    f->writes_only = !(mount_may(home) & BENEATH_READ);
    return 0;
}
