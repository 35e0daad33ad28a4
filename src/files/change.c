/* Changes of names in the process files: MKD, RMD, DELE, RENAME, and CWD's
 * question. Each acts on a name in an open folder and follows no link in it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "place.h"
#include "request.h"
#include "resolve.h"
#include "sallyport/base/fd.h"
#include "sallyport/users/rights.h"
#include "sweep.h"

int serve_enter(struct files *f, const struct packet *p)
{
    struct path path;
    char inside[FTP_PATH_MAX + 4];

    request_path(p->value[0].text, &path);
    /* The lookup of "." asks the kernel for the right to search it. */
    snprintf(inside, sizeof(inside), "%s/.", path.bytes);
    FD_CLEANUP int fd = resolve_open(f, inside, O_PATH | O_DIRECTORY);
    return fd < 0 ? fd : answer_done(f, p);
}

/* A name outlives a power cut when its folder is on the disk: that of a folder,
 * and then of the files in it, too. What can't be read can't be synced, and no
 * upload goes into it either. A DELE needs none: at worst the file is there. */
static int sync_folder(const struct files *f, int folder)
{
    if (!f->rules.fsync)
        return 0;
    FD_CLEANUP int fd = resolve_in(folder, ".", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fd == -EACCES ? 0 : fd;
    return fsync(fd) < 0 ? -errno : 0;
}

int serve_make(struct files *f, const struct packet *p)
{
    struct path path;
    PLACE_CLEANUP struct place at = PLACE_NONE;

    request_path(p->value[0].text, &path);
    int r = place_find_new(f, &path, O_PATH, &at);
    if (r != 0)
        return r;
    if (mkdirat(at.folder, at.name, 0700) < 0)
        return -errno;
    r = sync_folder(f, at.folder);
    return r != 0 ? r : answer_done(f, p);
}

/* What an upload left behind, and no client can see, must not be in the way. */
static int remove_with_partials(const struct files *f, const struct place *at)
{
    FD_CLEANUP int fd = resolve_in(at->folder, at->name,
                                   O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

    if (fd < 0)
        return fd == -EACCES ? -ENOTEMPTY : fd;
    int r = sweep_all(f, fd);
    if (r < 0)
        return r;
    return unlinkat(at->folder, at->name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int serve_remove(struct files *f, const struct packet *p)
{
    struct path path;
    PLACE_CLEANUP struct place at = PLACE_NONE;

    request_path(p->value[0].text, &path);
    int r = place_find(f, &path, O_PATH, &at);
    if (r != 0)
        return r;
    if (at.name[0] == 0)
        return OUTCOME_DENIED; /* the home itself */
    if (unlinkat(at.folder, at.name, AT_REMOVEDIR) < 0)
        r = errno == ENOTEMPTY || errno == EEXIST ? remove_with_partials(f, &at)
                                                  : -errno;
    return r != 0 ? r : answer_done(f, p);
}

static int delete_file(const struct place *at)
{
    struct stat st;

    if (fstatat(at->folder, at->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return OUTCOME_IS_FOLDER;
    if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
        return OUTCOME_NOT_REGULAR;
    return unlinkat(at->folder, at->name, 0) < 0 ? -errno : 0;
}

/* The own partial of that name. With the file it goes as well: else SIZE would
 * tell of it once the file is gone, and the rest of another file would come
 * behind it. */
static int forget_partial(struct files *f, const struct place *at)
{
    told_set(&f->told, f->name_key, at->folder, at->name, 0, 0);
    return partial_forget(f, at->folder, at->name);
}

int serve_delete(struct files *f, const struct packet *p)
{
    struct path path;
    PLACE_CLEANUP struct place at = PLACE_NONE;

    request_path(p->value[0].text, &path);
    int r = place_find(f, &path, O_PATH, &at);
    if (r != 0)
        return r;
    if (at.name[0] == 0)
        return OUTCOME_IS_FOLDER;
    r = delete_file(&at);
    int partial = r == 0 || r == -ENOENT ? forget_partial(f, &at) : r;
    if (r == -ENOENT) /* SIZE said that it is there, of a length */
        r = partial;
    /* The partial must not come back by a power cut: its confirmed bytes would
     * be the head of what is uploaded next. */
    if (partial == 0)
        r = sync_folder(f, at.folder);
    return r != 0 ? r : answer_done(f, p);
}

/* 0 for what isn't there. */
static mode_t kind_at(const struct place *at)
{
    struct stat st;

    return fstatat(at->folder, at->name, &st, AT_SYMLINK_NOFOLLOW) == 0
               ? st.st_mode & S_IFMT
               : 0;
}

static int rename_plain(const struct place *from, const struct place *to)
{
    if (renameat(from->folder, from->name, to->folder, to->name) == 0)
        return 0;
    return errno == EINVAL ? OUTCOME_BAD_NAME : -errno; /* into itself */
}

/* Onto itself, or another name of the same file: the kernel does nothing. */
static bool is_same(const struct place *from, const struct place *to)
{
    struct stat a, b;

    return fstatat(from->folder, from->name, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstatat(to->folder, to->name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
           a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* Who uploads to another name and then renames has what on_conflict promises to
 * those who upload to the name itself. */
static int rename_over(const struct files *f, const struct place *from,
                       struct place *to, struct path *path)
{
    bool link = kind_at(to) == S_IFLNK;
    int r = place_permitted(f, link);

    if (kind_at(from) != S_IFREG || (kind_at(to) != S_IFREG && !link))
        return OUTCOME_EXISTS;
    if (is_same(from, to))
        return rename_plain(from, to);
    if (r != 0)
        return r;
    FD_CLEANUP int fd =
        resolve_in(from->folder, from->name, O_PATH | O_NOFOLLOW, 0);
    if (fd < 0)
        return fd;
    /* What is kept is swapped under a lock, which O_PATH can't hold. */
    FD_CLEANUP int folder = -1;
    if (f->rules.on_conflict == CONFLICT_VERSION)
        folder = resolve_in(to->folder, ".", O_RDONLY | O_DIRECTORY, 0);
    struct naming n = {
        .source = from->folder,
        .from = from->name,
        .fd = fd,
        .folder = folder >= 0 ? folder : to->folder,
        .name = to->name,
        .path = path,
        .conflict = f->rules.on_conflict,
    };
    return place_file(f, &n);
}

/* On a file system that doesn't know RENAME_NOREPLACE: a file that comes after
 * the look stays, since a link replaces nothing. */
static int rename_unflagged(const struct files *f, const struct place *from,
                            struct place *to, struct path *path)
{
    struct naming n = {
        .source = from->folder,
        .from = from->name,
        .fd = -1,
        .folder = to->folder,
        .name = to->name,
        .path = path,
        .conflict = CONFLICT_REJECT,
    };
    int r = OUTCOME_NAME_TAKEN;

    if (kind_at(to) == 0)
        r = kind_at(from) == S_IFREG ? place_file(f, &n)
                                     : (int)OUTCOME_ONLY_OVERWRITE;
    if (r == OUTCOME_ONLY_OVERWRITE) /* a directory, or there are no links */
        return rename_plain(from, to);
    return r == OUTCOME_NAME_TAKEN ? rename_over(f, from, to, path) : r;
}

/* Files and folders only. A link under a new name is a new link, and Landlock
 * forbids to make one; without Landlock it would be a surprise. */
static int rename_place(const struct files *f, const struct place *from,
                        struct place *to, struct path *path)
{
    mode_t kind = kind_at(from);

    if (kind != 0 && kind != S_IFREG && kind != S_IFDIR)
        return OUTCOME_NOT_REGULAR;
    if (renameat2(from->folder, from->name, to->folder, to->name,
                  RENAME_NOREPLACE) == 0)
        return 0;
    if (errno == EEXIST)
        return rename_over(f, from, to, path);
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    /* Into itself, or a file system that doesn't know the flag. */
    return rename_unflagged(f, from, to, path);
}

int serve_rename(struct files *f, const struct packet *p)
{
    struct path old, new;
    PLACE_CLEANUP struct place from = PLACE_NONE;
    PLACE_CLEANUP struct place to = PLACE_NONE;

    request_path(p->value[0].text, &old);
    int r = place_find(f, &old, O_PATH, &from);
    if (r != 0)
        return r;
    if (from.name[0] == 0)
        return OUTCOME_DENIED; /* the home itself */
    request_path(p->value[1].text, &new);
    r = place_find_new(f, &new, O_PATH, &to);
    if (r == 0)
        r = rename_place(f, &from, &to, &new);
    if (r != 0)
        return r;
    forget_partial(f, &from);
    forget_partial(f, &to);
    r = sync_folder(f, to.folder);
    if (r == 0 && from.folder != to.folder)
        r = sync_folder(f, from.folder);
    if (r != 0)
        return OUTCOME_STANDS;
    answer(f, p,
           &(struct packet){
               .message = MSG_RENAMED,
               .value = { TEXT(path_slice(&new)) },
           });
    return 0;
}
