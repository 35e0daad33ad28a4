/* Makes room on a full disk, in the process files. A client sees no partial and
 * can't delete one, so forgotten uploads of the same user must not keep the
 * disk full.
 *
 * The ctime shows when a partial was last used: a write, a mark and SIZE
 * (resume.c) change it, and no user can set it. So the user's processes need no
 * other common record of this. If a partial is removed after its client's SIZE,
 * the client's upload gets "busy"; the client asks again, and starts from the
 * beginning.
 *
 * btrfs reports removed bytes as free up to half a minute later, and xfs after
 * a time that isn't known. So the bytes that this process has removed count as
 * free; otherwise each look would remove more. If they aren't free, the write
 * fails, as on any disk that fills up. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/rights.h"

bool space_is_short(int result)
{
    enum outcome o = files_outcome(result);

    return o == OUTCOME_NO_SPACE || o == OUTCOME_KEPT_FREE;
}

/* Returns how many removed bytes the file system hasn't reported as free yet.
 * LEFT: the free bytes that it reports now. If LEFT has grown since the last
 * look, the new bytes are removed bytes that are reported now. They must not
 * count twice, since min_free would then permit too much. */
static uint64_t freed_due(struct freed_bytes *b, uint64_t left)
{
    uint64_t shown = left > b->said ? left - b->said : 0;

    b->due -= shown < b->due ? shown : b->due;
    b->said = left;
    return b->due;
}

/* Looks at the disk, and counts removed bytes as free even if the file system
 * doesn't report them yet. */
static int space_look(struct files *f, const struct mount *m, int fd,
                      struct statvfs *disk, struct quota *quota)
{
    struct freed *freed = &f->freed;
    uint64_t due, *used = &quota->bytes.used;
    struct stat st;

    if (fstat(fd, &st) < 0 || fstatvfs(fd, disk) < 0)
        return -errno;
    quota_at(f, m, fd, quota);
    if (freed->device != st.st_dev || clock_ms() >= freed->until)
        *freed = (struct freed){ .device = st.st_dev };
    due = freed_due(&freed->disk, space_free(disk));
    if (space_block(disk) > 0)
        disk->f_bavail += due / space_block(disk);
    due = freed_due(&freed->quota, quota_left(&quota->bytes));
    *used -= due < *used ? due : *used;
    return 0;
}

void space_look_before(struct files *f, const struct mount *m, int fd)
{
    struct statvfs disk;
    struct quota quota;

    space_look(f, m, fd, &disk, &quota);
}

void space_freed(struct files *f, uint64_t bytes)
{
    if (bytes == 0)
        return;
    f->freed.until = clock_ms() + FREED_MS;
    f->freed.disk.due += bytes;
    f->freed.quota.due += bytes;
}

#define IDLE_S  3600
#define NAMES   100000
#define LOOK_MS 5000

struct idle_search {
    struct walk walk;
    dev_t disk;
    time_t before; /* only partials last used before this time */
    bool remove;
    uint64_t need; /* the search ends when it has found so many bytes */
    uint64_t bytes, count;
};

static void idle_on_name(struct walk *w, int directory, const char *name)
{
    struct idle_search *s = w->owner;
    struct stat st;

    if (!partial_is_name(name) ||
        fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !partial_is_own(w->f, &st) || st.st_nlink > 1 || st.st_dev != s->disk ||
        st.st_ctime > s->before || partial_name_in_use(w->f, directory, name) ||
        partial_is_of_other(w->f, directory, name))
        return;
    if (s->remove && partial_remove(w->f, directory, name, s->before, 0) != 0)
        return;
    s->count++;
    s->bytes += (uint64_t)st.st_blocks * 512;
    w->ends = s->bytes >= s->need;
}

/* Searches the share M, or the home, for idle partials on the disk of FD, until
 * they have NEED bytes. Returns how many bytes they have. */
static uint64_t idle_search(struct idle_search *s, struct files *f,
                            const struct mount *m, int fd, uint64_t need)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return 0;
    s->need = need;
    s->walk = (struct walk){
        .f = f,
        .mount = m,
        .owner = s,
        .on_name = idle_on_name,
        .most = NAMES,
        .until = clock_ms() + LOOK_MS,
    };
    s->disk = st.st_dev;
    s->before = time(NULL) - IDLE_S;
    walk_mount(&s->walk);
    return s->bytes;
}

uint64_t space_remove_idle(struct files *f, const struct mount *m, int fd,
                           int shortage, uint64_t need)
{
    struct idle_search s = { .remove = true };
    struct event_record r;

    space_look_before(f, m, fd);
    space_freed(f, idle_search(&s, f, m, fd, need));
    if (s.count == 0)
        return 0;
    files_event_begin(
        f, &r, EVENT_SERVICE,
        shortage == -EDQUOT ? "a quota is full: old unfinished uploads removed"
        : shortage == (int)OUTCOME_KEPT_FREE
            ? "min_free is reached: old unfinished uploads removed"
            : "the disk is full: old unfinished uploads removed");
    event_number(&r, FIELD_NUMBER, s.count);
    event_number(&r, FIELD_BYTES, s.bytes);
    event_send(&f->log, &r);
    return s.bytes;
}

/* Removes idle partials if they have the MISSING bytes; otherwise removes none.
 * Returns 0; SHORTAGE: they have too few bytes. */
static int idle_make_room(struct files *f, const struct mount *m, int fd,
                          int shortage, uint64_t missing)
{
    struct idle_search s = { 0 };

    if (idle_search(&s, f, m, fd, missing) < missing)
        return shortage;
    return space_remove_idle(f, m, fd, shortage, missing) < missing ? shortage
                                                                    : 0;
}

/* The free space of a disk shows how much others store. If somewhere the user
 * may not see names, returns for AVBL only the highest bit of N, so that it
 * tells nothing; and otherwise no limit, since each step between two limits
 * would show an upload of another user. */
static uint64_t space_shown(const struct files *f, uint64_t n, bool avbl)
{
    unsigned less = 0;
    bool blind = false;

    for (const struct mount *m = f->mount; m < f->mount + f->mounts; m++)
        blind |= mount_hides_names(m) || !(m->rights & RIGHT_LIST);
    if (blind && !avbl)
        return UINT64_MAX;
    while (blind && n >> less >= 2)
        less++;
    return n >> less << less;
}

int space_make_room(struct files *f, const struct mount *m, int fd,
                    uint64_t length)
{
    struct statvfs disk;
    struct quota quota;
    int r = space_look(f, m, fd, &disk, &quota);

    if (r < 0)
        return r;
    uint64_t left = quota_left(&quota.bytes);
    uint64_t free = space_shown(f, space_usable(f, &disk), false);
    uint64_t least = free < left ? free : left;
    uint64_t missing = length > least ? length - least : 1;
    if (left < length && left <= free && !mount_hides_names(m))
        r = -EDQUOT;
    else if (free == UINT64_MAX)
        return space_ensure_floor(f, m, fd);
    else if (space_floor(f, &disk) > 0 && space_free(&disk) > 0 &&
             free < length)
        r = OUTCOME_KEPT_FREE;
    else
        r = space_check(&disk, length);
    return r == 0 ? 0 : idle_make_room(f, m, fd, r, missing);
}

int space_ensure_floor(struct files *f, const struct mount *m, int fd)
{
    struct statvfs disk;
    struct quota quota;
    int r = 0;

    if (!min_free_given(&f->rules.min_free) ||
        (r = space_look(f, m, fd, &disk, &quota)) < 0)
        return r;
    uint64_t free = space_free(&disk), floor = space_floor(f, &disk);
    return free < floor
               ? idle_make_room(f, m, fd, OUTCOME_KEPT_FREE, floor - free)
               : 0;
}

int space_on_space(void *owner, struct msg_space *m)
{
    struct files *f = owner;
    struct path path;
    struct statvfs disk;
    struct idle_search idle = { 0 };
    struct stored stored;

    resolve_request(m->path, &path);
    FD_CLEANUP int fd =
        resolve_open(f, path_slice(&path), RIGHT_WRITE, O_PATH | O_DIRECTORY);
    if (fd < 0)
        return fd;
    const struct mount *in = mount_of(f, path_slice(&path));
    struct quota quota;
    int r = space_look(f, in, fd, &disk, &quota);
    if (r == 0)
        r = count_check(f, 0, &stored);
    if (r < 0)
        return r;
    uint64_t bytes =
        space_shown(f, space_usable(f, &disk), m->wanted == UINT64_MAX);
    uint64_t left = count_left(f, &stored);
    if (bytes > quota_left(&quota.bytes))
        bytes = quota_left(&quota.bytes);
    /* A search walks through the whole home or share, so AVBL, which wants all
     * idle bytes, searches only if a tenth or less is left. The time of a
     * search shows how many names there are. */
    uint64_t all = quota.bytes.limit > 0
                       ? quota.bytes.limit
                       : space_product(disk.f_blocks, space_block(&disk));
    if (bytes < m->wanted && bytes < left && !mount_hides_names(in) &&
        (m->wanted < UINT64_MAX || bytes <= all / 10))
        bytes += idle_search(&idle, f, in, fd, UINT64_MAX);
    return ANSWER(f, space_is, m->request, .bytes = left < bytes ? left : bytes,
                  .limit = quota.bytes.limit, .used = quota.bytes.used,
                  .files_limit = quota.files.limit,
                  .files_used = quota.files.used, .by_bytes = left < bytes);
}
