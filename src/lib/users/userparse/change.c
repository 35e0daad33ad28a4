/* A users file that differs in a few lines of users from a text that was read
 * before, as after an edit of one row. Only these lines are read. All other
 * rows stay, since they depend on nothing but themselves, the shares and the
 * teams; only a name or a uid may be there twice now. What isn't so simple is
 * left to a reading of the whole text, which also has the words for a mistake.
 * Runs in reader, and in sallyportctl. */
#include "reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sallyport/users/change.h"

/* Reads the LINES as rows of the table OF. In both cases the caller releases
 * *u. */
static int read_lines_of(struct users *u, const struct users *of,
                         struct slice lines)
{
    struct complaint why = { "" };
    struct reader r = { .users = u, .file = "", .complaint = &why };
    struct buf own;
    int result;

    *u = (struct users){ .share = of->share,
                         .shares = of->shares,
                         .team = of->team,
                         .teams = of->teams,
                         .is_change = true };
    buf_init(&own, USERS_LINES_MAX + 1);
    result = buf_reserve(&own, lines.len + 1);
    if (result == 0)
        result = buf_add_slice(&own, lines);
    return reader_read(&r, &own, result);
}

/* The change of a table in memory, in sallyportctl. */

/* Rows of the old table. */
struct row_range {
    size_t from, to;
};

/* The first row whose text isn't before AT. */
static size_t row_at(const struct users *u, size_t at)
{
    size_t from = 0, to = u->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if ((size_t)(u->row[middle].name - u->text) < at)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static int compare_uids(const void *a, const void *b)
{
    uid_t x = *(const uid_t *)a, y = *(const uid_t *)b;

    return (x > y) - (x < y);
}

/* Has a row that stays the uid of one that was added? Or is there no memory to
 * find out? */
static bool has_uid_twice(const struct users *old, const struct row_range *gone,
                          const struct users *added)
{
    const size_t n = added->count;
    uid_t *uid = calloc(n + 1, sizeof(*uid));
    bool found = !uid;

    for (size_t i = 0; i < n && uid; i++)
        uid[i] = added->row[i].uid;
    if (uid)
        qsort(uid, n, sizeof(*uid), compare_uids);
    for (size_t i = 0; i < old->count && !found && n > 0; i++)
        if (i < gone->from || i >= gone->to)
            found =
                bsearch(&old->row[i].uid, uid, n, sizeof(*uid), compare_uids);
    free(uid);
    return found;
}

static bool has_name_twice(const struct users *old,
                           const struct row_range *gone,
                           const struct users *added)
{
    for (size_t i = 0; i < added->count; i++) {
        const struct user *same =
            users_find(old, slice_from(added->row[i].name));
        const size_t n = same ? (size_t)(same - old->row) : gone->from;

        if (same && (n < gone->from || n >= gone->to))
            return true;
    }
    return false;
}

static bool is_too_much(const struct users *old, const struct row_range *gone,
                        const struct users *added)
{
    size_t grants = old->grants + added->grants;
    size_t directories = old->directories + added->directories;

    for (size_t i = gone->from; i < gone->to; i++) {
        grants -= old->row[i].grants;
        directories -= old->row[i].directories;
    }
    return old->count - (gone->to - gone->from) + added->count > USERS_MAX ||
           grants > GRANTS_MAX || directories > DIRECTORIES_MAX;
}

int users_check_change(const struct users *old, struct slice before,
                       struct slice now)
{
    struct users_lines l;
    struct row_range gone;
    struct users added;
    int r;

    switch (users_lines_find(&l, before, now)) {
    case USERS_LINES_SAME:
        return 0;
    case USERS_LINES_WHOLE:
        return -EAGAIN;
    case USERS_LINES_FOUND:
        break;
    }
    gone = (struct row_range){ row_at(old, l.at), row_at(old, l.before) };
    r = read_lines_of(&added, old,
                      (struct slice){ now.ptr + l.at, l.now - l.at });
    if (r < 0 || has_name_twice(old, &gone, &added) ||
        has_uid_twice(old, &gone, &added) || is_too_much(old, &gone, &added))
        r = -EAGAIN;
    users_release(&added);
    return r;
}

/* The change for master and auth, in reader. */

/* Reads the bytes AT to END - 1 of the file FD into *text. 0, -EINVAL: they
 * aren't there; or -ENOMEM */
static int read_part(int fd, size_t at, size_t end, struct buf *text)
{
    if (at > end || end - at > USERS_LINES_MAX)
        return -EINVAL;
    if (buf_reserve(text, end - at) < 0)
        return -ENOMEM;
    while (at < end) {
        const ssize_t n =
            pread(fd, text->data + text->len, end - at, (off_t)at);

        if (n <= 0)
            return -EINVAL;
        text->len += (size_t)n;
        at += (size_t)n;
    }
    return 0;
}

static int read_rows(struct users *u, const struct users *of, int fd, size_t at,
                     size_t end)
{
    struct buf text;
    int r;

    buf_init(&text, USERS_LINES_MAX);
    *u = (struct users){ .is_change = true };
    r = read_part(fd, at, end, &text);
    if (r == 0 && !users_lines_ok(buf_slice(&text)))
        r = -EINVAL;
    if (r == 0)
        r = read_lines_of(u, of, buf_slice(&text));
    buf_release(&text);
    return r == 0 && u->count <= USERS_CHANGED_MAX ? 0 : -EAGAIN;
}

int users_write_change(int now, int before, const struct users_lines *l,
                       int table, int fd)
{
    struct complaint why = { "" };
    struct users of, gone, added;
    int r;

    if (users_take_groups(&of, table, &why) < 0)
        return -EAGAIN;
    r = read_rows(&added, &of, now, l->at, l->now);
    if (r == 0) {
        r = read_rows(&gone, &of, before, l->at, l->before);
        if (r == 0)
            r = image_write_change(&added, &gone, fd);
        users_release(&gone);
    }
    users_release(&added);
    users_release(&of);
    return r;
}
