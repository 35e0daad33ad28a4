/* Room on a full disk, in the process files. A client sees no partial and can't
 * delete one, so its own forgotten uploads must not keep the disk full.
 *
 * ctime says when a partial was touched: a write, a mark and SIZE (settle.c)
 * change it, and no user can set it. So nothing has to be
 * shared with the user's other sessions. A client that was told a length and
 * waits longer than that gets "busy", asks again, and begins from the start.
 */
#include "idle.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "resolve.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "state.h"
#include "walk.h"

#define NS      INT64_C(1000000000)
#define IDLE_S  3600
#define OLDEST  64 /* removed by one call at most */
#define NAMES   100000
#define LOOK_MS 5000

struct idle {
    int64_t touched; /* ns */
    uint64_t bytes;
    struct path folder;
    char name[PARTIAL_NAME_MAX];
};

struct search {
    struct walk walk;
    dev_t disk;
    time_t before; /* it was touched last */
    uint64_t bytes;
    size_t count, most; /* of the oldest */
    struct idle *oldest;
};

/* Keeps the list in order; a younger one than all of a full list is dropped. */
static void note(struct search *s, const struct idle *one)
{
    size_t at = s->count;

    while (at > 0 && s->oldest[at - 1].touched > one->touched)
        at--;
    if (at == s->most)
        return;
    if (s->count < s->most)
        s->count++;
    memmove(&s->oldest[at + 1], &s->oldest[at],
            (s->count - 1 - at) * sizeof(*one));
    s->oldest[at] = *one;
}

static void on_name(struct walk *w, int folder, const char *name)
{
    struct search *s = w->owner;
    struct stat st;

    if (!partial_is_name(name) ||
        fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !partial_is_own(w->f, &st) || st.st_dev != s->disk ||
        st.st_ctime > s->before || partial_in_use(w->f, folder, name))
        return;
    struct idle one = { .touched = st.st_ctim.tv_sec * NS + st.st_ctim.tv_nsec,
                        .bytes = (uint64_t)st.st_blocks * 512,
                        .folder = w->path };
    memcpy(one.name, name, strlen(name) + 1);
    s->bytes += one.bytes;
    note(s, &one);
}

static void search(struct search *s, struct files *f, dev_t disk)
{
    s->walk = (struct walk){
        .f = f,
        .owner = s,
        .on_name = on_name,
        .most = NAMES,
        .until = clock_ms() + LOOK_MS,
    };
    s->disk = disk;
    s->before = time(NULL) - IDLE_S;
    walk_home(&s->walk);
}

uint64_t idle_bytes(struct files *f, dev_t disk)
{
    struct search s = { 0 };

    search(&s, f, disk);
    return s.bytes;
}

static void report(struct files *f, uint64_t removed, uint64_t bytes)
{
    struct event_record r;

    event_begin(&r, EVENT_SERVICE);
    event_text(&r, FIELD_USER, slice_from(f->user));
    event_text(&r, FIELD_REASON,
               SLICE("the disk is full: old unfinished uploads removed"));
    event_number(&r, FIELD_NUMBER, removed);
    event_number(&r, FIELD_BYTES, bytes);
    event_send(&f->log, &r);
}

static bool remove_one(const struct search *s, const struct idle *one)
{
    FD_CLEANUP int folder =
        resolve_open(s->walk.f, one->folder.bytes, O_PATH | O_DIRECTORY);

    return folder >= 0 && partial_remove_untouched(s->walk.f, folder, one->name,
                                                   s->before) == 0;
}

bool idle_remove(struct files *f, dev_t disk, uint64_t need)
{
    struct search s = { .most = OLDEST };
    uint64_t removed = 0, bytes = 0;

    s.oldest = calloc(OLDEST, sizeof(*s.oldest));
    if (!s.oldest)
        return false;
    search(&s, f, disk);
    for (size_t i = 0; i < s.count && (removed == 0 || bytes < need); i++)
        if (remove_one(&s, &s.oldest[i])) {
            removed++;
            bytes += s.oldest[i].bytes;
        }
    free(s.oldest);
    if (removed > 0)
        report(f, removed, bytes);
    return removed > 0;
}

bool idle_remove_beside(struct files *f, int folder, uint64_t need)
{
    struct stat st;

    return fstat(folder, &st) == 0 && idle_remove(f, st.st_dev, need);
}
