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

/* Do the rows ADDED fit in place of those of the lines L? */
static bool lines_fit(const struct users *old, const struct users_lines *l,
                      const struct users *added)
{
    const size_t from = row_at(old, l->at), to = row_at(old, l->before);
    bool *goes = calloc(old->count + 1, sizeof(*goes));
    size_t left;
    bool fit;

    for (size_t i = from; goes && i < to; i++)
        goes[i] = true;
    fit = goes && users_rows_fit(old, goes, added, &left) == 0;
    free(goes);
    return fit;
}

int users_check_change(const struct users *old, struct slice before,
                       struct slice now)
{
    struct users_lines l;
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
    r = read_lines_of(&added, old,
                      (struct slice){ now.ptr + l.at, l.now - l.at });
    if (r < 0 || !lines_fit(old, &l, &added))
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
