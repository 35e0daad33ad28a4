/* Finds, releases and rejects uploads that wait for inspection, on orders of
 * sallyportctl, and makes their reserved names, in the process files. The
 * search runs with the ids of a user or a share, and needs memory only for its
 * walk. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/random.h"

#define HELD_MARK ".held-"
/* Time for locks, and for a sync of a slow disk. */
#define ORDER_MS (UINT64_C(15) * 60 * 1000)

/* One letter for each enum conflict. Reserved names on disks contain these
 * letters, so the letters never change. */
static const char conflict_letters[CONFLICT_COUNT] = {
    [CONFLICT_OVERWRITE] = 'o',
    [CONFLICT_RENAME] = 'r',
    [CONFLICT_REJECT] = 'x',
};

void held_name(const char *name, enum conflict conflict,
               char id[HELD_DIGITS + 1], char out[NAME_MAX + 1])
{
    uint64_t number;

    random_bytes(&number, sizeof(number));
    snprintf(id, HELD_DIGITS + 1, "%016" PRIx64, number);
    snprintf(out, NAME_MAX + 1, PATH_RESERVED "%s" HELD_MARK "%c-%.*s", id,
             conflict_letters[conflict], HELD_NAME_MAX, name);
}

bool held_parse(const char *text, char id[HELD_DIGITS + 1],
                enum conflict *conflict, const char **name)
{
    struct slice rest = slice_from(text);
    const char *letter;

    if (!slice_starts(rest, SLICE(PATH_RESERVED)))
        return false;
    text += sizeof(PATH_RESERVED) - 1;
    if (strspn(text, "0123456789abcdef") != HELD_DIGITS ||
        strncmp(text + HELD_DIGITS, HELD_MARK, sizeof(HELD_MARK) - 1) != 0)
        return false;
    snprintf(id, HELD_DIGITS + 1, "%s", text);
    text += HELD_DIGITS + sizeof(HELD_MARK) - 1;
    /* Releases of 1.x kept the old file of a 'v'. */
    letter = text[0] ? memchr(conflict_letters, text[0] == 'v' ? 'r' : text[0],
                              sizeof(conflict_letters))
                     : NULL;
    if (!letter || text[1] != '-' || !path_name_ok(slice_from(text + 2)))
        return false;
    *conflict = (enum conflict)(letter - conflict_letters);
    *name = text + 2;
    return true;
}

/* Only the sender of a file learns that it waits, since the sender would take
 * "not found" for a loss. Without root other users have the same uid, and learn
 * it, too. */
int held_waits(const struct files *f, const struct place *at)
{
    char id[HELD_DIGITS + 1];
    const char *stands, *name;
    enum conflict conflict;
    struct directory d;
    struct stat st;
    int r;

    if (!at->mount->inspect || at->mount->drop)
        return 0;
    FD_CLEANUP int fd = resolve_in(at->directory, ".", O_DIRECTORY, 0);
    if (fd < 0) /* a directory that the user can't read takes no uploads */
        return fd == -EACCES ? 0 : fd;
    directory_begin(&d, fd);
    while ((r = directory_next(&d, &stands)) == 1) {
        if (!held_parse(stands, id, &conflict, &name) ||
            strcmp(name, at->name) != 0)
            continue;
        r = fstatat(fd, stands, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno
            : partial_is_own(f, &st)                          ? OUTCOME_WAITS
                                                              : -ENOENT;
        if (r != -ENOENT)
            return r;
    }
    return r;
}

struct held_search {
    struct walk walk;
    enum held_order order;
    char id[HELD_DIGITS + 1]; /* "": all */
};

/* A file that was found. */
struct held_found {
    int directory;
    const char *stands; /* its reserved name */
    char id[HELD_DIGITS + 1], name[NAME_MAX + 1];
    enum conflict conflict;
    struct stat st;
};

/* An attribute of a file that waits for inspection: the time at which the
 * upload was complete, and the wanted name. It stays after the release, which
 * would otherwise look like a change of the file. */
#define HELD_STAMP     "user.sallyport.held"
#define HELD_STAMP_MAX (NAME_MAX + 40)

static int held_stamp_text(const struct timespec *complete, const char *name,
                           char out[HELD_STAMP_MAX])
{
    return snprintf(out, HELD_STAMP_MAX, "%lld.%09ld %s",
                    (long long)complete->tv_sec, complete->tv_nsec, name);
}

void held_stamp(int fd, const char *name)
{
    char text[HELD_STAMP_MAX];
    struct stat st;

    if (fstat(fd, &st) == 0)
        fsetxattr(fd, HELD_STAMP, text,
                  (size_t)held_stamp_text(&st.st_mtim, name, text), 0);
}

/* Checks that the upload doesn't replace a file that was stored, changed or
 * renamed later than the upload: uploads are released in any order. Compares
 * only times that no client can set: the file's ctime; or, if the file was
 * itself released and is unchanged, the time at which its upload was complete.
 * Returns 0; OUTCOME_EXISTS: the file is newer; or -errno. */
static int held_check_age(const struct held_found *one)
{
    char text[HELD_STAMP_MAX], stamp[HELD_STAMP_MAX];
    struct stat there;

    if (one->conflict != CONFLICT_OVERWRITE)
        return 0;
    if (fstatat(one->directory, one->name, &there, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISREG(there.st_mode))
        return 0;
    /* Was the file released, and is it unchanged since? Then its attribute
     * contains its name and its present mtime. */
    int len = held_stamp_text(&there.st_mtim, one->name, text);
    FD_CLEANUP int fd = resolve_in(one->directory, one->name,
                                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    const bool as_released =
        fd >= 0 && fgetxattr(fd, HELD_STAMP, stamp, sizeof(stamp)) == len &&
        memcmp(stamp, text, (size_t)len) == 0;
    const struct timespec *a = as_released ? &there.st_mtim : &there.st_ctim;
    const struct timespec *b = &one->st.st_mtim;
    const bool later = a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec
                                              : a->tv_nsec > b->tv_nsec;
    return later ? (int)OUTCOME_EXISTS : 0;
}

/* Obeys an order of sallyportctl under the lock of the directory, so that a
 * second order for the file doesn't find it. On return the walk's path ends in
 * the final name of a released file. */
static int held_obey(struct held_search *s, struct held_found *one)
{
    struct walk *w = &s->walk;
    const bool rejects = s->order == HELD_REJECT;
    struct naming n = { .mount = w->mount,
                        .source = one->directory,
                        .from = one->stands,
                        .directory = one->directory,
                        .name = one->name,
                        .path = &w->path,
                        .conflict = one->conflict };
    struct lock lock;

    owner_note_disk(w->f, one->directory);
    int r = lock_directory(w->f, w->mount, one->directory, &lock);
    if (r == 0 && s->order == HELD_RELEASE)
        r = held_check_age(one);
    if (r == 0 && rejects)
        r = unlinkat(one->directory, one->stands, 0) < 0 ? -errno : 0;
    else if (r == 0 && fstatat(one->directory, one->stands, &n.file,
                               AT_SYMLINK_NOFOLLOW) < 0)
        r = -errno;
    else if (r == 0)
        r = naming_give(w->f, &n);
    lock_release(&lock);
    return r == 0 && !rejects && w->f->rules.fsync && fsync(one->directory) < 0
               ? (int)OUTCOME_STORED_UNSAFE
               : r;
}

static void held_take(struct held_search *s, struct held_found *one)
{
    struct walk *w = &s->walk;
    size_t len = w->path.len;

    if (!walk_enter(&w->path, one->name)) {
        walk_not_read(w, -ENAMETOOLONG);
        return;
    }
    if (s->order >= HELD_RELEASE)
        walk_works(w, ORDER_MS);
    int r = s->order < HELD_RELEASE ? 0 : held_obey(s, one);
    /* sallyportctl gets a handle of the file, which leads nowhere else. */
    FD_CLEANUP int fd = s->order == HELD_READ
                            ? resolve_in(one->directory, one->stands,
                                         O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0)
                            : -1;
    if (s->order == HELD_READ && fd < 0)
        r = fd;
    if (r != -ENOENT) /* otherwise another order was faster */
        ANSWER_WITHIN(w->f, WALK_READER_MS, held, s->walk.request,
                      .id = slice_from(one->id), .path = path_slice(&w->path),
                      .uid = one->st.st_uid, .bytes = (uint64_t)one->st.st_size,
                      .since = one->st.st_ctime, .outcome = files_outcome(r));
    if (fd >= 0)
        ANSWER_WITHIN(w->f, WALK_READER_MS, held_bytes, s->walk.request,
                      .file = fd);
    walk_leave(&w->path, len);
}

static void held_on_name(struct walk *w, int directory, const char *stands)
{
    struct held_search *s = w->owner;
    struct held_found one = { .directory = directory, .stands = stands };
    const char *name;

    if (!held_parse(stands, one.id, &one.conflict, &name) ||
        (s->id[0] && strcmp(s->id, one.id) != 0))
        return;
    if (fstatat(directory, stands, &one.st, AT_SYMLINK_NOFOLLOW) < 0) {
        walk_not_read(w, -errno);
        return;
    }
    if (!S_ISREG(one.st.st_mode))
        return;
    snprintf(one.name, sizeof(one.name), "%s", name);
    w->ends = s->id[0] != '\0';
    held_take(s, &one);
}

int held_on_held_find(void *owner, struct msg_held_find *m)
{
    struct files *f = owner;
    struct held_search s = { .walk = { .f = f,
                                       .mount = f->mount,
                                       .owner = &s,
                                       .on_name = held_on_name,
                                       .request = m->request },
                             .order = m->order };

    bool meant = slice_copy(m->id, s.id, sizeof(s.id)) == 0 &&
                 (m->order == HELD_LIST || s.id[0]);
    if (meant)
        walk_mount(&s.walk);
    /* If the walk has ended early, the file was found, and no unread directory
     * matters. */
    if (!f->over)
        ANSWER_WITHIN(f, WALK_READER_MS, partials_end, s.walk.request,
                      .unread = s.walk.ends ? 0 : s.walk.unread,
                      .error = s.walk.error);
    return 0;
}
