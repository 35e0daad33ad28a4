/* Searches a home or a share for sallyportctl, in the process files: for
 * partials, for partials that nobody will continue, or for expired files.
 * Reports each of them, and removes it on request. Keeps one buffer for each
 * level of directories, however many names there are. Never removes a partial
 * that an upload is writing. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REMOVAL_MS 60000 /* time to wait for a lock, and for a slow disk */
/* In a share a partial with a random name has no writer any more after so many
 * seconds without a change. */
#define LEFTOVER_S 86400

struct search_request {
    struct walk walk;
    enum find_what what;
    bool remove;
    bool share; /* searches for the partials of all members of a share; they
                   can't be opened */
    struct stat held; /* facts of the directory that couldn't be locked in
                       * time */
    uint64_t age;     /* the least age in seconds */
    time_t now;
};

/* Removes the file SEEN under the lock of its directory, since sessions rename
 * under this lock: a file that has just been replaced stays. Another member's
 * partial can't be locked, but it hasn't changed for an hour at least. If
 * another process holds the lock, waits for it only once in each directory. */
static int search_remove(struct search_request *s, int fd, const char *name,
                         const struct stat *seen)
{
    LOCK_CLEANUP struct lock lock = LOCK_NONE;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (resolve_is_same(&st, &s->held))
        return -EBUSY;
    owner_note_disk(s->walk.f, fd);
    int r = lock_directory(s->walk.f, s->walk.mount, fd, &lock);
    if (r == -EBUSY)
        s->held = st;
    if (r != 0)
        return r;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!resolve_is_unchanged(&st, seen))
        return -ENOENT;
    return unlinkat(fd, name, 0) < 0 ? -errno : 0;
}

static bool search_is_old(const struct search_request *s, time_t changed,
                          uint64_t age)
{
    return age == 0 ||
           (changed <= s->now && (uint64_t)(s->now - changed) >= age);
}

/* Does the request mean this file? A file expires by its ctime, which no client
 * can set, not by its mtime, which MFMT sets. */
static bool search_is_meant(const struct search_request *s, int fd,
                            const char *name, const struct stat *st)
{
    const struct files *f = s->walk.f;
    const bool random = partial_is_random(name);
    uint64_t least = s->share && random ? LEFTOVER_S : PARTIAL_UNTOUCHED_S;

    if (!S_ISREG(st->st_mode))
        return false;
    if (s->what == FIND_EXPIRED)
        return strcmp(name, LOCK_FILE) != 0 &&
               search_is_old(s, st->st_ctime, s->age);
    if (s->what == FIND_PARTIALS)
        return s->share ||
               (partial_is_own(f, st) && !partial_has_landed(f, fd, name, st));
    /* Returns true if no upload will continue this partial: it is older than
     * partial_days; or no upload finds its random name; or it is landed or
     * stale; or its writer was killed before its first sync, or cut off from a
     * network disk. Partials in a share can't be opened: only their age shows
     * that they have no writer. */
    if (!search_is_old(s, st->st_ctime, least))
        return false;
    if (s->share)
        return random || search_is_old(s, st->st_mtime, s->age);
    return partial_is_own(f, st) && !partial_name_in_use(f, fd, name) &&
           (random || search_is_old(s, st->st_mtime, s->age) ||
            partial_is_useless(f, fd, name, st));
}

static void search_on_name(struct walk *w, int fd, const char *name)
{
    struct search_request *s = w->owner;
    char wanted[NAME_MAX + 1] = ""; /* "": not known */
    enum partial_state state = PARTIAL_RESTS;
    size_t len = w->path.len;
    struct stat st;

    if (s->what != FIND_EXPIRED && !partial_is_name(name))
        return;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        walk_not_read(w, -errno);
        return;
    }
    if (!search_is_meant(s, fd, name, &st))
        return;
    if (s->what != FIND_EXPIRED)
        partial_wanted(w->f, fd, name, wanted);
    const bool partial = partial_is_name(name) && partial_is_own(w->f, &st);
    if (s->remove) {
        walk_works(w, REMOVAL_MS);
        int r = partial ? partial_remove(w->f, fd, name, st.st_ctime, 0)
                        : search_remove(s, fd, name, &st);

        if (r == -ENOENT) /* its upload has just ended */
            return;
        state = r == 0        ? PARTIAL_REMOVED
                : r == -EBUSY ? PARTIAL_IN_USE
                              : PARTIAL_STAYS;
    } else if (partial && partial_name_in_use(w->f, fd, name)) {
        state = PARTIAL_IN_USE;
    }
    if (!walk_enter(&w->path, name)) {
        walk_not_read(w, -ENAMETOOLONG);
        return;
    }
    if (s->share)
        ANSWER_WITHIN(w->f, WALK_READER_MS, partial_owner, w->request,
                      .uid = st.st_uid);
    ANSWER_WITHIN(w->f, WALK_READER_MS, partial, w->request,
                  .path = path_slice(&w->path), .name = slice_from(wanted),
                  .bytes = (uint64_t)st.st_size,
                  .mtime = s->what == FIND_EXPIRED ? st.st_ctime : st.st_mtime,
                  .state = state);
    walk_leave(&w->path, len);
}

int search_on_find(void *owner, struct msg_find *m)
{
    struct files *f = owner;
    struct search_request s = {
        .walk = { .f = f,
                  .mount = f->mount,
                  .owner = &s,
                  .on_name = search_on_name,
                  .request = m->request,
                  .one_disk = m->what != FIND_PARTIALS },
        .what = m->what,
        .remove = m->remove,
        .share = m->share,
        .age = m->age,
        .now = time(NULL),
    };

    walk_below(&s.walk, m->path);
    if (!f->over)
        ANSWER_WITHIN(f, WALK_READER_MS, partials_end, s.walk.request,
                      .unread = s.walk.unread, .error = s.walk.error);
    return 0;
}
