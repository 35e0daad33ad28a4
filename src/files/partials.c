/* PARTIALS_FIND in the process files: all partials of this user, told to
 * sallyportctl one by one, and removed if it says so. It walks the home by open
 * folders and follows no link; keeps one folder's buffer a level and a handful
 * of partials, however many there are; and never takes one away from an upload
 * that writes it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "folder.h"
#include "request.h"
#include "resolve.h"
#include "sallyport/base/fd.h"
#include "walk.h"

#define BATCH 32 /* partials of a folder told at once */
#define READER_MS                                                              \
    (UINT64_C(15) * 60 * 1000) /* a pager; master ends it first                \
                                */

struct found {
    char name[PARTIAL_NAME_MAX];
    char is_for[NAME_MAX + 1]; /* "": not known */
    uint64_t bytes;
    time_t changed;
    enum partial_state state;
};

struct search {
    struct walk walk;
    const struct packet *request;
    bool remove;
    uint64_t age; /* seconds at least */
    time_t now;
    struct found found[BATCH];
    size_t count;
    uint64_t removed, removed_bytes;
};

/* The name is a keyed hash, so that of a file which is still to come can't be
 * told; that of one which is to be replaced stands in the same folder. */
static void find_targets(struct search *s, int fd)
{
    struct folder *d = malloc(sizeof(*d));
    FD_CLEANUP int again = resolve_in(fd, ".", O_RDONLY | O_DIRECTORY, 0);
    char partial[PARTIAL_NAME_MAX];
    const char *name;

    if (d && again >= 0)
        folder_begin(d, again);
    while (d && again >= 0 && walk_goes_on(&s->walk) &&
           folder_next(d, &name) == 1) {
        partial_name(s->walk.f, name, partial);
        for (size_t i = 0; i < s->count; i++)
            if (strcmp(partial, s->found[i].name) == 0)
                memcpy(s->found[i].is_for, name, strlen(name) + 1);
    }
    free(d);
}

static void tell_one(struct search *s, const struct found *one)
{
    size_t len = s->walk.path.len;

    if (!walk_enter(&s->walk.path, one->name)) {
        walk_not_read(&s->walk, -ENAMETOOLONG);
        return;
    }
    answer_within(
        s->walk.f, s->request,
        &(struct packet){
            .message = MSG_PARTIAL,
            .value = { TEXT(path_slice(&s->walk.path)),
                       TEXT(slice_from(one->is_for)), NUMBER(one->bytes),
                       NUMBER(one->changed), NUMBER(one->state) },
        },
        READER_MS);
    walk_leave(&s->walk.path, len);
}

static void tell_found(struct search *s, int fd)
{
    if (s->count > 0)
        find_targets(s, fd);
    for (size_t i = 0; i < s->count && !s->walk.f->over; i++)
        tell_one(s, &s->found[i]);
    s->count = 0;
}

/* False: its upload ended just now, so there is nothing to tell. */
static bool take_away(struct search *s, int fd, struct found *one)
{
    int r = partial_remove(s->walk.f, fd, one->name);

    if (r == 0) {
        s->removed++;
        s->removed_bytes += one->bytes;
        one->state = PARTIAL_REMOVED;
    } else {
        one->state = r == -EBUSY ? PARTIAL_IN_USE : PARTIAL_STAYS;
    }
    return r != -ENOENT;
}

static bool is_old(const struct search *s, time_t changed)
{
    return s->age == 0 ||
           (changed <= s->now && (uint64_t)(s->now - changed) >= s->age);
}

static void look_at(struct search *s, int fd, const char *name)
{
    struct found *one = &s->found[s->count];
    struct stat st;

    if (!partial_is_name(name) ||
        fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !partial_is_own(s->walk.f, &st) || !is_old(s, st.st_mtime))
        return;
    *one =
        (struct found){ .bytes = (uint64_t)st.st_size, .changed = st.st_mtime };
    memcpy(one->name, name, strlen(name) + 1);
    if (s->remove && !take_away(s, fd, one))
        return;
    if (!s->remove && partial_in_use(s->walk.f, fd, name))
        one->state = PARTIAL_IN_USE;
    if (++s->count == BATCH)
        tell_found(s, fd);
}

static void report(struct search *s)
{
    struct event_record r;

    if (s->removed == 0)
        return;
    event_begin(&r, EVENT_SERVICE);
    event_text(&r, FIELD_USER, slice_from(s->walk.f->user));
    event_text(&r, FIELD_REASON,
               SLICE("unfinished uploads removed by sallyportctl"));
    event_number(&r, FIELD_NUMBER, s->removed);
    event_number(&r, FIELD_BYTES, s->removed_bytes);
    event_send(&s->walk.f->log, &r);
}

static void on_name(struct walk *w, int folder, const char *name)
{
    look_at(w->owner, folder, name);
}

static void on_end(struct walk *w, int folder)
{
    tell_found(w->owner, folder);
}

int serve_partials(struct files *f, const struct packet *p)
{
    struct search s = {
        .walk = { .f = f, .on_name = on_name, .on_end = on_end },
        .request = p,
        .remove = p->value[0].number == 1,
        .age = p->value[1].number,
        .now = time(NULL),
    };

    s.walk.owner = &s;
    walk_home(&s.walk);
    report(&s);
    if (!f->over)
        answer_within(
            f, p,
            &(struct packet){
                .message = MSG_PARTIALS_END,
                .value = { NUMBER(s.walk.unread), NUMBER(s.walk.error) },
            },
            READER_MS);
    return 0;
}
