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

#include "sallyport/base/shared.h"
#include "sallyport/users/image.h"

/* Some hundred lines. With more, a reading of the whole takes hardly longer. */
#define CHANGE_MAX (256u << 10)
#define CHUNK      65536

static size_t common_start(struct slice a, struct slice b)
{
    const size_t most = a.len < b.len ? a.len : b.len;
    size_t n = 0;

    while (most - n >= CHUNK && memcmp(a.ptr + n, b.ptr + n, CHUNK) == 0)
        n += CHUNK;
    while (n < most && a.ptr[n] == b.ptr[n])
        n++;
    return n;
}

/* The number of equal bytes at both ends; not more than MOST. */
static size_t common_end(struct slice a, struct slice b, size_t most)
{
    const char *x = a.ptr + a.len, *y = b.ptr + b.len;
    size_t n = 0;

    while (most - n >= CHUNK &&
           memcmp(x - n - CHUNK, y - n - CHUNK, CHUNK) == 0)
        n += CHUNK;
    while (n < most && x[-1 - (ptrdiff_t)n] == y[-1 - (ptrdiff_t)n])
        n++;
    return n;
}

static size_t lines_in(const char *at, size_t len)
{
    const char *const end = at + len, *stop;
    size_t n = 0;

    for (; (stop = memchr(at, '\n', (size_t)(end - at))); n++)
        at = stop + 1;
    return n;
}

/* Are the lines TEXT whole, and can they only be of users, or of nobody? A byte
 * order mark is a matter of the first line. */
static bool are_of_users(struct slice text)
{
    return text.len <= CHANGE_MAX &&
           (text.len == 0 || text.ptr[text.len - 1] == '\n') &&
           !slice_starts(text, SLICE("@")) &&
           !slice_starts(text, SLICE("\xef\xbb\xbf")) &&
           !memmem(text.ptr, text.len, "\n@", 2);
}

static bool begins_line(struct slice text, size_t at)
{
    return at == 0 || text.ptr[at - 1] == '\n';
}

/* Finds the lines that differ. The old ones never end at the first byte of the
 * text: a cell that is not set says 0 there. */
static bool change_find(struct users_change *c, struct slice before,
                        struct slice now)
{
    const size_t least = before.len < now.len ? before.len : now.len;
    const char *mark = memrchr(before.ptr, '\n', common_start(before, now));
    size_t same;

    if (least == 0 || now.len > USERS_FILE_MAX)
        return false;
    c->at = mark ? (size_t)(mark - before.ptr) + 1 : 0;
    same = common_end(before, now, least - c->at);
    c->before = before.len - same;
    if (c->before == 0 || !begins_line(before, c->before) ||
        !begins_line(now, now.len - same)) {
        mark = memchr(before.ptr + c->before, '\n', same);
        c->before = mark ? (size_t)(mark - before.ptr) + 1 : before.len;
    }
    c->now = now.len - (before.len - c->before);
    if (!are_of_users(
            (struct slice){ before.ptr + c->at, c->before - c->at }) ||
        !are_of_users((struct slice){ now.ptr + c->at, c->now - c->at }))
        return false;
    c->line = lines_in(before.ptr, c->at);
    c->lines_before = lines_in(before.ptr + c->at, c->before - c->at);
    c->lines_now = lines_in(now.ptr + c->at, c->now - c->at);
    return true;
}

/* The first of the users that doesn't stand before LINE. */
static size_t row_of_line(const struct users *u, size_t line)
{
    size_t from = 0, to = u->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (u->row[middle].line < line)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* Grants and directories are in the order of the rows. False: the lines
 * aren't. */
static bool change_find_rows(struct users_change *c)
{
    const struct users *u = c->old;
    const struct user *from, *to;

    c->row.from = row_of_line(u, c->line + 1);
    c->row.to = row_of_line(u, c->line + c->lines_before + 1);
    if (c->row.from > c->row.to)
        return false;
    from = &u->row[c->row.from];
    to = &u->row[c->row.to];
    c->grant.from =
        c->row.from < u->count ? (size_t)(from->grant - u->grant) : u->grants;
    c->grant.to =
        c->row.to < u->count ? (size_t)(to->grant - u->grant) : u->grants;
    c->directory.from = c->row.from < u->count
                            ? (size_t)(from->directory - u->directory)
                            : u->directories;
    c->directory.to = c->row.to < u->count
                          ? (size_t)(to->directory - u->directory)
                          : u->directories;
    return true;
}

static int change_read_lines(struct users_change *c, struct slice lines)
{
    struct complaint why = { "" };
    struct reader r = {
        .users = &c->added, .line = c->line, .file = "", .complaint = &why
    };
    struct buf own;
    int result;

    c->added = (struct users){ .share = c->old->share,
                               .shares = c->old->shares,
                               .team = c->old->team,
                               .teams = c->old->teams };
    buf_init(&own, CHANGE_MAX + 1);
    result = buf_reserve(&own, lines.len + 1);
    if (result == 0)
        result = buf_add_slice(&own, lines);
    return reader_read(&r, &own, result);
}

static bool is_replaced(const struct users_change *c, const struct user *row)
{
    return row >= c->old->row + c->row.from && row < c->old->row + c->row.to;
}

static bool has_a_name_twice(const struct users_change *c)
{
    for (size_t i = 0; i < c->added.count; i++) {
        const struct user *same =
            users_find(c->old, slice_from(c->added.row[i].name));

        if (same && !is_replaced(c, same))
            return true;
    }
    return false;
}

static int compare_uids(const void *a, const void *b)
{
    uid_t x = *(const uid_t *)a, y = *(const uid_t *)b;

    return (x > y) - (x < y);
}

/* Or there is no memory to find out. */
static bool has_a_uid_twice(const struct users_change *c)
{
    const struct users *old = c->old;
    const size_t n = c->added.count;
    uid_t *uid = calloc(n + 1, sizeof(*uid));
    bool found = !uid;

    for (size_t i = 0; i < n && uid; i++)
        uid[i] = c->added.row[i].uid;
    if (uid)
        qsort(uid, n, sizeof(*uid), compare_uids);
    for (size_t i = 0; i < old->count && !found && n > 0; i++)
        found = !is_replaced(c, &old->row[i]) &&
                bsearch(&old->row[i].uid, uid, n, sizeof(*uid), compare_uids);
    free(uid);
    return found;
}

static size_t count_after(size_t before, const struct change_range *r,
                          size_t added)
{
    return before - (r->to - r->from) + added;
}

static bool is_too_much(const struct users_change *c)
{
    return count_after(c->old->count, &c->row, c->added.count) > USERS_MAX ||
           count_after(c->old->grants, &c->grant, c->added.grants) >
               GRANTS_MAX ||
           count_after(c->old->directories, &c->directory,
                       c->added.directories) > DIRECTORIES_MAX;
}

static void change_release(struct users_change *c)
{
    c->added.share = NULL; /* these are the old users' */
    c->added.team = NULL;
    users_release(&c->added);
}

/* Returns 0, or -EAGAIN. In both cases the caller calls change_release(). */
static int change_read(struct users_change *c, const struct users *old,
                       struct slice before, struct slice now)
{
    *c = (struct users_change){ .old = old };
    if (!change_find(c, before, now))
        return -EAGAIN;
    if (!change_find_rows(c))
        return -EAGAIN;
    if (change_read_lines(
            c, (struct slice){ now.ptr + c->at, c->now - c->at }) < 0)
        return -EAGAIN;
    return has_a_name_twice(c) || has_a_uid_twice(c) || is_too_much(c) ? -EAGAIN
                                                                       : 0;
}

int users_check_change(const struct users *old, struct slice before,
                       struct slice now)
{
    struct users_change c;
    int r = change_read(&c, old, before, now);

    change_release(&c);
    return r;
}

static int write_change(const struct users *old, struct slice before,
                        struct slice now, int fd)
{
    struct users_image image;
    struct users_change c = { .old = old };
    int r = users_image_open(&image, old->text, old->text_size) &&
                    image.text_size == before.len + 1
                ? change_read(&c, old, before, now)
                : -EAGAIN;

    if (r == 0)
        r = image_write_change(&c, &image, fd);
    change_release(&c);
    return r;
}

int users_write_change(int now, int before, int table, int fd)
{
    struct slice old_text = { NULL, 0 }, text = { NULL, 0 };
    struct complaint why = { "" };
    struct users old;
    int r = -EAGAIN;

    if (shared_map_whole(before, &old_text) == 0 &&
        shared_map_whole(now, &text) == 0 && old_text.ptr && text.ptr &&
        users_take(&old, table, &why) == 0) {
        r = write_change(&old, old_text, text, fd);
        users_release(&old);
    }
    shared_unmap_whole(old_text);
    shared_unmap_whole(text);
    return r;
}
