/* Expired partials, and what a killed process left, are deleted when their
 * directory is listed or written to, in the process files. This needs no timer,
 * and no process that walks the homes as root. For sallyportctl all partials of
 * the user are reported one by one, and removed on request. In shares the
 * expired ones of other members go, too: their owner may have left. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

/* names looked at after an upload has begun, or at a listing */
#define SWEEP_NAMES 1024
#define DAY         86400u
/* A partial of another member, or of a server that was cut off from the disk,
 * has no writer if it hasn't changed for so long. */
#define UNTOUCHED_S 3600

static bool sweep_is_expired(const struct files *f, const struct stat *st,
                             time_t now)
{
    return f->rules.partial_days > 0 && st->st_mtime <= now &&
           (uint64_t)(now - st->st_mtime) / DAY >= f->rules.partial_days;
}

/* The writer of an empty one may be about to lock it. */
static bool sweep_is_leftover(const char *name, const struct stat *st)
{
    return partial_is_random(name) && st->st_size > 0 && st->st_nlink == 1;
}

/* Nobody can lock a partial of another user, so only time says that nobody is
 * writing it. An old one that is resumed just now has a new ctime (resume.c).
 */
static bool sweep_is_abandoned(const struct stat *st, time_t now)
{
    return S_ISREG(st->st_mode) && now - st->st_ctime >= UNTOUCHED_S;
}

/* Nobody can resume it. Its writer was killed before its first sync; or on a
 * network disk cut off, and then it couldn't remove its token. */
static bool sweep_is_useless(const struct files *f, int directory,
                             const char *name, const struct stat *st,
                             time_t now)
{
    return sweep_is_abandoned(st, now) &&
           !partial_can_be_resumed(f, directory, name);
}

/* Why it goes: a line for the log, or "" where that is usual. NULL: it stays.
 */
static const char *sweep_why(const struct files *f, int directory,
                             const char *name, const struct stat *st,
                             time_t now)
{
    if (!partial_is_own(f, st))
        return NULL;
    if (sweep_is_leftover(name, st))
        return "removed what an upload left whose process was killed";
    if (sweep_is_expired(f, st, now) ||
        partial_has_landed(f, directory, name, st) ||
        partial_is_overtaken(f, directory, name))
        return "";
    return sweep_is_useless(f, directory, name, st, now)
               ? "removed what an upload left that nobody can resume"
               : NULL;
}

static bool sweep_is_of_other(const struct files *f, const struct mount *m,
                              const struct stat *st)
{
    return m->share && S_ISREG(st->st_mode) && !partial_is_own(f, st);
}

/* Those of a removed member have no other end. */
static bool sweep_other(const struct files *f, int directory, const char *name,
                        const struct stat *st, time_t now)
{
    return sweep_is_expired(f, st, now) && sweep_is_abandoned(st, now) &&
           unlinkat(directory, name, 0) == 0;
}

bool sweep_name(struct files *f, const struct mount *m, int directory,
                const char *name, time_t now)
{
    const char *why;
    struct stat st;

    if (!partial_is_name(name) ||
        fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    if (sweep_is_of_other(f, m, &st))
        return sweep_other(f, directory, name, &st, now);
    why = sweep_why(f, directory, name, &st, now);
    if (!why || partial_remove(f, directory, name, st.st_ctime) != 0)
        return false;
    if (why[0])
        files_report_removed(f, why, 0, (uint64_t)st.st_size);
    return true;
}

static bool sweep_note_directory(struct files *f, int directory)
{
    struct stat st;

    if (resolve_known(directory, &st) < 0)
        return true;
    if (st.st_dev == f->swept_device && st.st_ino == f->swept_inode)
        return true;
    f->swept_device = st.st_dev;
    f->swept_inode = st.st_ino;
    return false;
}

void sweep_directory(struct files *f, const struct mount *m, int directory)
{
    struct directory d;
    const char *name;
    time_t now = time(NULL);

    if (sweep_note_directory(f, directory))
        return;
    FD_CLEANUP int fd = resolve_in(directory, ".", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return;
    directory_begin(&d, fd);
    for (int n = 0; n < SWEEP_NAMES && directory_next(&d, &name) == 1; n++)
        if (strcmp(name, f->upload.partial.name) != 0)
            sweep_name(f, m, directory, name, now);
}

/* -ENOTEMPTY if anything but partials stands in it;
 * OUTCOME_OTHERS_PARTIALS. */
static int sweep_only_partials(const struct files *f, const struct mount *m,
                               int fd)
{
    struct directory d;
    const char *name;
    struct stat st;
    int r, busy = 0;

    directory_begin(&d, fd);
    while ((r = directory_next(&d, &name)) == 1) {
        if (!partial_is_name(name))
            return -ENOTEMPTY;
        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            sweep_is_of_other(f, m, &st) &&
            !sweep_is_abandoned(&st, time(NULL)))
            busy = OUTCOME_OTHERS_PARTIALS;
    }
    return r < 0 ? r : busy;
}

static void sweep_one_of_all(const struct files *f, const struct mount *m,
                             int fd, const char *name)
{
    struct stat st;

    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    if (!sweep_is_of_other(f, m, &st))
        partial_remove(f, fd, name, 0);
    else if (sweep_is_abandoned(&st, time(NULL)))
        unlinkat(fd, name, 0);
}

int sweep_all(const struct files *f, const struct mount *m, int directory)
{
    struct directory d;
    const char *name;
    FD_CLEANUP int fd = resolve_in(directory, ".", O_RDONLY | O_DIRECTORY, 0);

    if (fd < 0)
        return fd;
    int r = sweep_only_partials(f, m, fd);
    if (r != 0)
        return r;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return -errno;
    directory_begin(&d, fd);
    while ((r = directory_next(&d, &name)) == 1)
        sweep_one_of_all(f, m, directory, name);
    return r;
}

/* The search for sallyportctl keeps one directory's buffer per level, however
 * many partials there are. It never removes one that an upload is writing. */
#define REMOVAL_MS 60000 /* a lock is awaited, and the disk may be slow */

struct partial_found {
    char name[NAME_MAX + 1];
    char is_for[NAME_MAX + 1]; /* "": not known */
    uint64_t bytes;
    time_t changed;
    enum partial_state state;
};

struct sweep_search {
    struct walk walk;
    bool remove;
    bool expired;     /* files and partials, by ctime */
    struct stat held; /* the directory whose lock didn't come in time */
    uint64_t age;     /* seconds at least */
    time_t now;
};

static void partials_send_one(struct sweep_search *s,
                              const struct partial_found *one)
{
    size_t len = s->walk.path.len;

    if (!walk_enter(&s->walk.path, one->name)) {
        walk_not_read(&s->walk, -ENAMETOOLONG);
        return;
    }
    ANSWER_WITHIN(s->walk.f, WALK_READER_MS, partial, s->walk.request,
                  .path = path_slice(&s->walk.path),
                  .name = slice_from(one->is_for), .bytes = one->bytes,
                  .mtime = one->changed, .state = one->state);
    walk_leave(&s->walk.path, len);
}

/* Under the lock of its directory, in which sessions rename: a file that was
 * replaced just now is a new one. The partial of another member can't be
 * locked; it hasn't changed for an hour at least. A lock that somebody holds is
 * awaited once in a directory. */
static int expired_remove(struct sweep_search *s, int fd, const char *name,
                          const struct stat *seen)
{
    FD_CLEANUP int file = -1;
    struct stat st;
    int r;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_ino == s->held.st_ino && st.st_dev == s->held.st_dev)
        return -EBUSY;
    r = lock_directory(s->walk.f, fd);
    if (r == -EBUSY)
        s->held = st;
    if (r != 0)
        return r;
    r = lock_name(s->walk.f, s->walk.mount, fd, name, &file);
    if (r == 0 && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        r = -errno;
    else if (r == 0 && !resolve_is_unchanged(&st, seen))
        r = -ENOENT;
    else if (r == 0 && unlinkat(fd, name, 0) < 0)
        r = -errno;
    lock_release(fd);
    return r;
}

/* False: its upload ended just now, so there is nothing to report. */
static bool partials_take_away(struct sweep_search *s, int fd,
                               struct partial_found *one, const struct stat *st)
{
    bool partial = partial_is_name(one->name) && partial_is_own(s->walk.f, st);
    int r = partial ? partial_remove(s->walk.f, fd, one->name,
                                     s->expired ? one->changed : 0)
                    : expired_remove(s, fd, one->name, st);

    one->state = r == 0        ? PARTIAL_REMOVED
                 : r == -EBUSY ? PARTIAL_IN_USE
                               : PARTIAL_STAYS;
    return r != -ENOENT;
}

static bool partials_is_old(const struct sweep_search *s, time_t changed)
{
    return s->age == 0 ||
           (changed <= s->now && (uint64_t)(s->now - changed) >= s->age);
}

/* A file expires by its ctime, which no client can set, and not by its mtime,
 * which MFMT sets. */
static bool partials_is_meant(const struct sweep_search *s, int fd,
                              const char *name, const struct stat *st)
{
    if (s->expired)
        return S_ISREG(st->st_mode) && strcmp(name, COUNT_LOCK) != 0 &&
               partials_is_old(s, st->st_ctime);
    return partial_is_own(s->walk.f, st) &&
           !partial_has_landed(s->walk.f, fd, name, st) &&
           partials_is_old(s, st->st_mtime);
}

static void partials_look_at(struct sweep_search *s, int fd, const char *name)
{
    struct partial_found one;
    struct stat st;

    if (!s->expired && !partial_is_name(name))
        return;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        walk_not_read(&s->walk, -errno);
        return;
    }
    if (!partials_is_meant(s, fd, name, &st))
        return;
    one = (struct partial_found){ .bytes = (uint64_t)st.st_size,
                                  .changed =
                                      s->expired ? st.st_ctime : st.st_mtime };
    snprintf(one.name, sizeof(one.name), "%s", name);
    if (!s->expired)
        partial_wanted(s->walk.f, fd, name, one.is_for);
    if (s->remove)
        walk_works(&s->walk, REMOVAL_MS);
    if (s->remove && !partials_take_away(s, fd, &one, &st))
        return;
    if (!s->remove && partial_is_name(name) && partial_is_own(s->walk.f, &st) &&
        partial_name_in_use(s->walk.f, fd, name))
        one.state = PARTIAL_IN_USE;
    partials_send_one(s, &one);
}

static void partials_on_name(struct walk *w, int directory, const char *name)
{
    partials_look_at(w->owner, directory, name);
}

static void search_init(struct sweep_search *s, struct files *f,
                        uint32_t request, bool remove, uint64_t age)
{
    *s = (struct sweep_search){
        .walk = { .f = f,
                  .mount = f->mount,
                  .owner = s,
                  .on_name = partials_on_name,
                  .request = request },
        .remove = remove,
        .age = age,
        .now = time(NULL),
    };
}

static int search_end(const struct sweep_search *s)
{
    struct files *f = s->walk.f;

    if (!f->over)
        ANSWER_WITHIN(f, WALK_READER_MS, partials_end, s->walk.request,
                      .unread = s->walk.unread, .error = s->walk.error);
    return 0;
}

int sweep_on_partials_find(void *owner, struct msg_partials_find *m)
{
    struct files *f = owner;
    struct sweep_search s;

    search_init(&s, f, m->request, m->remove, m->age);
    for (size_t i = 0; i < f->mounts; i++) {
        s.walk.mount = &f->mount[i];
        if (i == 0 || (s.walk.mount->share && s.walk.mount->fd >= 0))
            walk_mount(&s.walk);
    }
    return search_end(&s);
}

int sweep_on_expired_find(void *owner, struct msg_expired_find *m)
{
    struct sweep_search s;

    search_init(&s, owner, m->request, m->remove, m->age);
    s.expired = s.walk.one_disk = true;
    walk_below(&s.walk, m->path);
    return search_end(&s);
}
