/* Counts the files and bytes that a user has stored, in the process files. The
 * count is an attribute of the home, also for files in shares. A deleted file
 * still counts. The process holds the home's lock while it counts.
 *
 * Unfinished uploads must fit into what the count leaves. They are in no
 * attribute, since each of many processes can remove one: a walk finds them.
 * The attribute "settled" of the home saves this walk while there are none. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

/* On a network disk opens a lock file, since most network disks keep the lock
 * of a directory on one machine. Call it before the sandbox closes, which may
 * permit no writing in the home. If the lock file can't be opened, uploads are
 * refused; everything else works. */
int count_open(struct files *f, int home)
{
    if (f->rules.uploads == 0 && f->rules.upload_bytes == 0)
        return 0;
    f->counter = resolve_in(home, ".", O_RDONLY | O_DIRECTORY, 0);
    if (f->counter < 0)
        return f->counter;
    owner_note_disk(f, f->counter);
    f->counter_lock =
        f->locks_die ? lock_make_file(f, &f->mount[0], home) : f->counter;
    return 0;
}

static int count_begin(const struct files *f)
{
    return f->counter_lock < 0 ? f->counter_lock
                               : lock_open_file(f, f->counter_lock);
}

uint64_t count_left(const struct files *f, const struct stored *stored)
{
    const uint64_t most = f->rules.upload_bytes;

    if (most == 0)
        return UINT64_MAX;
    return most > stored->bytes ? most - stored->bytes : 0;
}

/* Converts an error of the home's disk to -EIO, since the error says nothing
 * about the disk of the upload. Reports the error once in a session. */
static int count_failed(struct files *f, int r)
{
    struct event_record e;

    if (f->no_count)
        return -EIO;
    f->no_count = true;
    files_event_begin(
        f, &e, EVENT_TROUBLE,
        "uploads can't be counted: the attribute " STORED_ATTRIBUTE
        " of the home can't be used");
    event_number(&e, FIELD_NUMBER, (uint64_t)-r);
    event_send(&f->log, &e);
    return -EIO;
}

int count_check(struct files *f, uint64_t bytes, struct stored *ret)
{
    const uint64_t most = f->rules.uploads;
    char text[STORED_TEXT_MAX];
    int r = 0;

    *ret = (struct stored){ 0 };
    if (f->counter < 0)
        return 0;
    ssize_t len = fgetxattr(f->counter, STORED_ATTRIBUTE, text, sizeof(text));
    if (len >= 0)
        r = stored_parse((struct slice){ text, (size_t)len }, ret);
    else if (errno != ENODATA)
        r = -errno;
    if (r < 0)
        return count_failed(f, r);
    if (most > 0 && ret->files >= most)
        return OUTCOME_MAX_FILES;
    const uint64_t left = count_left(f, ret);
    return left == 0 || bytes > left ? (int)OUTCOME_MAX_BYTES : 0;
}

static int count_set(struct files *f, const struct stored *stored)
{
    char text[STORED_TEXT_MAX];
    size_t len = stored_text(stored, text);

    return fsetxattr(f->counter, STORED_ATTRIBUTE, text, len, 0) < 0
               ? count_failed(f, -errno)
               : 0;
}

void count_back(struct files *f, uint64_t bytes)
{
    struct stored stored;

    if (f->counter < 0 || count_begin(f) != 0)
        return;
    count_check(f, 0, &stored);
    if (stored.files > 0) {
        stored.files--;
        stored.bytes -= bytes < stored.bytes ? bytes : stored.bytes;
        count_set(f, &stored);
    }
    flock(f->counter_lock, LOCK_UN);
}

/* Releases the counter's lock before the sync, since the home's disk may be
 * slow. */
int count_one(struct files *f, uint64_t *bytes)
{
    struct stored stored;
    int r = f->counter < 0 ? 0 : count_begin(f);

    if (f->counter < 0 || r == -EBUSY)
        return r;
    if (r != 0)
        return count_failed(f, r);
    r = count_check(f, *bytes, &stored);
    stored.files++;
    stored.bytes += *bytes;
    if (r == 0)
        r = count_set(f, &stored);
    flock(f->counter_lock, LOCK_UN);
    if (r == 0 && f->rules.fsync && fsync(f->counter) < 0) {
        r = count_failed(f, -errno);
        count_back(f, *bytes);
    }
    return r;
}

#define SETTLED "user.sallyport.settled"
#define LOOK_MS 5000

bool count_is_settled(const struct files *f)
{
    return f->counter < 0 || fgetxattr(f->counter, SETTLED, NULL, 0) >= 0;
}

void count_note_unfinished(const struct files *f)
{
    if (f->counter >= 0)
        fremovexattr(f->counter, SETTLED);
}

/* A look at the user's unfinished uploads. */
struct others {
    struct walk walk;
    bool complete; /* partials that are being written don't count */
    time_t idle;   /* the last change of an idle partial is at most as late */
    int64_t until; /* removes partials with a last change up to this time, in
                    * ns */
    uint64_t too_many, too_long;     /* how many files and bytes must go */
    uint64_t files, bytes;           /* what is there, without removed ones */
    uint64_t kept_files, kept_bytes; /* what can't be removed */
    uint64_t gone_files, gone_bytes;
    bool seen;      /* another upload is writing one */
    bool missed;    /* a share is away, or the walk ended early */
    int64_t oldest; /* last change of the oldest that can be removed; or 0 */
};

/* Nobody can continue or remove a partial in a read-only snapshot. */
static bool other_is_frozen(int directory, const char *name)
{
    FD_CLEANUP int fd =
        resolve_in(directory, name, O_WRONLY | O_NONBLOCK | O_NOCTTY, 0);

    return fd == -EROFS;
}

static void other_on_name(struct walk *w, int directory, const char *name)
{
    struct others *o = w->owner;
    struct stat st;

    if (!partial_is_name(name) ||
        fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !partial_is_own(w->f, &st) ||
        partial_has_landed(w->f, directory, name, &st) ||
        resolve_is_same(&st, &w->f->upload.partial.opened) ||
        partial_is_of_other(w->f, directory, name) ||
        other_is_frozen(directory, name) ||
        /* A random name shows no user, if all users have one uid. */
        (w->f->uid_is_shared && w->mount->share && partial_is_random(name)))
        return;
    const uint64_t bytes = (uint64_t)st.st_size;
    const int64_t changed =
        st.st_ctim.tv_sec * INT64_C(1000000000) + st.st_ctim.tv_nsec;
    const bool in_use = partial_name_in_use(w->f, directory, name) ||
                        partial_is_alive(directory, &st);
    const bool kept = in_use || (st.st_ctime > o->idle &&
                                 partial_is_promised(w->f, directory, name));

    o->seen |= in_use;
    if (in_use ? o->complete : bytes == 0) /* empty: only the record of SIZE */
        return;
    if (!kept && changed <= o->until && o->too_many + o->too_long > 0) {
        int r = partial_remove(w->f, directory, name, st.st_ctime, 0);

        if (r == 0 || r == -ENOENT) { /* another session can be faster */
            o->too_many -= o->too_many > 0;
            o->too_long -= bytes < o->too_long ? bytes : o->too_long;
            o->gone_files += r == 0;
            o->gone_bytes += r == 0 ? bytes : 0;
            return;
        }
    }
    o->files++;
    o->bytes += bytes;
    o->kept_files += kept;
    o->kept_bytes += kept ? bytes : 0;
    if (!kept && changed > o->until && (o->oldest == 0 || changed < o->oldest))
        o->oldest = changed;
}

/* Walks through the home and all shares. */
static void others_look(struct others *o, struct files *f, uint64_t end)
{
    o->files = o->bytes = o->kept_files = o->kept_bytes = 0;
    o->oldest = 0;
    for (const struct mount *m = f->mount; m < f->mount + f->mounts; m++) {
        o->missed |= m->fd < 0;
        if (m->fd < 0)
            continue;
        o->walk = (struct walk){ .f = f,
                                 .mount = m,
                                 .owner = o,
                                 .on_name = other_on_name,
                                 .until = end,
                                 .to_the_end = true };
        walk_mount(&o->walk);
        o->missed |= clock_ms() >= end;
    }
}

/* Returns by how much OTHERS are too large beside OWN, which is at most LEFT.
 */
static uint64_t others_over(uint64_t others, uint64_t own, uint64_t left)
{
    return others > left - own ? others - (left - own) : 0;
}

static void others_report(struct files *f, const struct others *o)
{
    struct event_record e;

    if (o->gone_files == 0)
        return;
    files_event_begin(f, &e, EVENT_SERVICE,
                      "uploads or upload_bytes is reached: old unfinished "
                      "uploads removed");
    event_number(&e, FIELD_NUMBER, o->gone_files);
    event_number(&e, FIELD_BYTES, o->gone_bytes);
    event_send(&f->log, &e);
}

int count_others(struct files *f, uint64_t bytes, bool complete)
{
    const uint64_t end = clock_ms() + LOOK_MS;
    struct others o = { .complete = complete,
                        .idle = time(NULL) - PARTIAL_UNTOUCHED_S };
    struct stored stored;
    int r = count_check(f, bytes, &stored);

    if (f->counter < 0 || r != 0 || (complete && clock_ms() < f->missed_until))
        return r;
    const uint64_t left = count_left(f, &stored);
    const uint64_t most =
        f->rules.uploads > 0 ? f->rules.uploads - stored.files : UINT64_MAX;
    others_look(&o, f, end);
    if (o.missed)
        f->missed_until = clock_ms() + 20 * (clock_ms() + LOOK_MS - end);
    if (o.files == 0 && !o.seen && !o.missed && complete)
        fsetxattr(f->counter, SETTLED, "1", 1, 0);
    for (;;) {
        if (others_over(o.kept_files, 1, most) > 0)
            r = OUTCOME_MAX_FILES;
        else if (others_over(o.kept_bytes, bytes, left) > 0)
            r = OUTCOME_MAX_BYTES;
        o.too_many = others_over(o.files, 1, most);
        o.too_long = others_over(o.bytes, bytes, left);
        if (r != 0 || o.too_many + o.too_long == 0 || o.oldest == 0)
            break;
        o.until = o.oldest;
        others_look(&o, f, end);
    }
    others_report(f, &o);
    if (r == 0 && o.too_many + o.too_long > 0)
        r = o.too_many > 0 ? OUTCOME_MAX_FILES : OUTCOME_MAX_BYTES;
    /* The other upload may end soon, or count twice at its commit. */
    return r != 0 && o.seen && !complete ? (int)OUTCOME_BUSY : r;
}
