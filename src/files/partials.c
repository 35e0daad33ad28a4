/* PARTIALS_FIND in the process files: all partials of this user, told to
 * sallyportctl one by one, and removed if it says so. It walks the home by open
 * folders and follows no link; keeps one folder's buffer a level and a handful
 * of partials, however many there are; and never takes one away from an upload
 * that writes it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "folder.h"
#include "request.h"
#include "resolve.h"
#include "sallyport/base/fd.h"

#define DEPTH_MAX  128  /* folders within folders */
#define BATCH      32   /* partials of a folder told at once */
#define LOOK_EVERY 1024 /* names between two looks at the ends */
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

struct walk {
    struct files *f;
    const struct packet *request;
    bool remove;
    uint64_t age; /* seconds at least */
    time_t now;
    struct path path; /* of the folder that is being looked at */
    unsigned names;
    struct found found[BATCH];
    size_t count;
    uint64_t removed, removed_bytes;
    uint64_t unread; /* folders that couldn't be looked into */
    int error;       /* of the last of them */
};

static void not_read(struct walk *w, int error)
{
    if (error == -ENOENT || error == -ENOTDIR || error == -ELOOP)
        return; /* gone meanwhile; no folder, or a link */
    w->unread++;
    w->error = -error;
}

/* A walk that finds nothing says nothing, and would not see that nobody waits
 * for it any more. */
static bool go_on(struct walk *w)
{
    struct files *f = w->f;
    struct pollfd ends[] = { { .fd = f->session.fd }, { .fd = f->master.fd } };

    if (!f->over && w->names++ % LOOK_EVERY == 0 && poll(ends, 2, 0) > 0)
        f->over = true;
    return !f->over;
}

/* The name is a keyed hash, so that of a file which is still to come can't be
 * told; that of one which is to be replaced stands in the same folder. */
static void find_targets(struct walk *w, int fd)
{
    struct folder *d = malloc(sizeof(*d));
    FD_CLEANUP int again = resolve_in(fd, ".", O_RDONLY | O_DIRECTORY, 0);
    char partial[PARTIAL_NAME_MAX];
    const char *name;

    if (d && again >= 0)
        folder_begin(d, again);
    while (d && again >= 0 && go_on(w) && folder_next(d, &name) == 1) {
        partial_name(w->f, name, partial);
        for (size_t i = 0; i < w->count; i++)
            if (strcmp(partial, w->found[i].name) == 0)
                memcpy(w->found[i].is_for, name, strlen(name) + 1);
    }
    free(d);
}

/* What is longer than a message's path is as good as unreadable. */
static bool path_enter(struct path *p, const char *name)
{
    size_t len = p->len == 1 ? 0 : p->len, n = strlen(name);

    if (len + 1 + n > FTP_PATH_MAX)
        return false;
    p->bytes[len] = '/';
    memcpy(p->bytes + len + 1, name, n + 1);
    p->len = len + 1 + n;
    return true;
}

static void path_leave(struct path *p, size_t len)
{
    p->len = len;
    p->bytes[len] = '\0';
}

static void tell_one(struct walk *w, const struct found *one)
{
    size_t len = w->path.len;

    if (!path_enter(&w->path, one->name)) {
        not_read(w, -ENAMETOOLONG);
        return;
    }
    answer_within(
        w->f, w->request,
        &(struct packet){
            .message = MSG_PARTIAL,
            .value = { TEXT(path_slice(&w->path)),
                       TEXT(slice_from(one->is_for)), NUMBER(one->bytes),
                       NUMBER(one->changed), NUMBER(one->state) },
        },
        READER_MS);
    path_leave(&w->path, len);
}

static void tell_found(struct walk *w, int fd)
{
    if (w->count > 0)
        find_targets(w, fd);
    for (size_t i = 0; i < w->count && !w->f->over; i++)
        tell_one(w, &w->found[i]);
    w->count = 0;
}

/* False: its upload ended just now, so there is nothing to tell. */
static bool take_away(struct walk *w, int fd, struct found *one)
{
    int r = partial_remove(w->f, fd, one->name);

    if (r == 0) {
        w->removed++;
        w->removed_bytes += one->bytes;
        one->state = PARTIAL_REMOVED;
    } else {
        one->state = r == -EBUSY ? PARTIAL_IN_USE : PARTIAL_STAYS;
    }
    return r != -ENOENT;
}

static bool is_old(const struct walk *w, time_t changed)
{
    return w->age == 0 ||
           (changed <= w->now && (uint64_t)(w->now - changed) >= w->age);
}

static void look_at(struct walk *w, int fd, const char *name)
{
    struct found *one = &w->found[w->count];
    struct stat st;

    if (!partial_is_name(name) ||
        fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !partial_is_own(w->f, &st) || !is_old(w, st.st_mtime))
        return;
    *one =
        (struct found){ .bytes = (uint64_t)st.st_size, .changed = st.st_mtime };
    memcpy(one->name, name, strlen(name) + 1);
    if (w->remove && !take_away(w, fd, one))
        return;
    if (!w->remove && partial_in_use(w->f, fd, name))
        one->state = PARTIAL_IN_USE;
    if (++w->count == BATCH)
        tell_found(w, fd);
}

static void walk_folder(struct walk *w, int fd, unsigned depth);

static void enter(struct walk *w, int fd, const char *name, unsigned depth)
{
    size_t len = w->path.len;
    FD_CLEANUP int inner = resolve_in(fd, name, O_RDONLY | O_DIRECTORY, 0);

    if (inner < 0) {
        not_read(w, inner);
    } else if (depth == DEPTH_MAX || !path_enter(&w->path, name)) {
        not_read(w, -ENAMETOOLONG);
    } else {
        walk_folder(w, inner, depth + 1);
        path_leave(&w->path, len);
    }
}

/* Its partials first, and then, from the start again, the folders in it. */
static void walk_folder(struct walk *w, int fd, unsigned depth)
{
    struct folder *d = malloc(sizeof(*d));
    const char *name;
    int r = d ? 1 : -ENOMEM;

    if (d)
        folder_begin(d, fd);
    while (r == 1 && go_on(w) && (r = folder_next(d, &name)) == 1)
        look_at(w, fd, name);
    tell_found(w, fd);
    if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
        r = -errno;
    if (r == 0) {
        folder_begin(d, fd);
        while (go_on(w) && (r = folder_next(d, &name)) == 1)
            if (d->maybe_folder)
                enter(w, fd, name, depth);
    }
    free(d);
    if (r < 0)
        not_read(w, r);
}

static void report(struct walk *w)
{
    struct event_record r;

    if (w->removed == 0)
        return;
    event_begin(&r, EVENT_SERVICE);
    event_text(&r, FIELD_USER, slice_from(w->f->user));
    event_text(&r, FIELD_REASON,
               SLICE("unfinished uploads removed by sallyportctl"));
    event_number(&r, FIELD_NUMBER, w->removed);
    event_number(&r, FIELD_BYTES, w->removed_bytes);
    event_send(&w->f->log, &r);
}

int serve_partials(struct files *f, const struct packet *p)
{
    struct walk w = { .f = f,
                      .request = p,
                      .remove = p->value[0].number == 1,
                      .age = p->value[1].number,
                      .now = time(NULL) };
    FD_CLEANUP int root = resolve_in(f->root, ".", O_RDONLY | O_DIRECTORY, 0);

    path_root(&w.path);
    if (root < 0)
        not_read(&w, root);
    else
        walk_folder(&w, root, 0);
    report(&w);
    if (!f->over)
        answer_within(f, p,
                      &(struct packet){
                          .message = MSG_PARTIALS_END,
                          .value = { NUMBER(w.unread), NUMBER(w.error) },
                      },
                      READER_MS);
    return 0;
}
