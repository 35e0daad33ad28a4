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

/* What counts of a row of the old table. A login waits while reader does this,
 * so of 100,000 rows it decodes no more. */
struct old_row {
    struct slice name;
    uid_t uid;
    size_t line, grants, directories;
};

static struct old_row old_row(const struct users_change *c, size_t n)
{
    if (c->image) {
        const struct users_row *row = &c->image->row[n];
        const size_t size = c->image->text_size;
        const bool has_name =
            row->name.at < size && row->name.len < size - row->name.at;

        return (struct old_row){
            has_name
                ? (struct slice){ c->image->text + row->name.at, row->name.len }
                : SLICE(""),
            (uid_t)row->uid.number,
            row->line.number,
            row->grants.number,
            row->directories.number,
        };
    }
    const struct user *row = &c->old->row[n];

    return (struct old_row){ slice_from(row->name), row->uid, row->line,
                             row->grants, row->directories };
}

/* The first of the users that doesn't stand before LINE. */
static size_t row_of_line(const struct users_change *c, size_t line)
{
    size_t from = 0, to = c->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (old_row(c, middle).line < line)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* Grants and directories are in the order of the rows. False: the lines aren't,
 * or there are others than the rows have. */
static bool change_find_rows(struct users_change *c)
{
    size_t grants = 0, directories = 0;

    c->row.from = row_of_line(c, c->line + 1);
    c->row.to = row_of_line(c, c->line + c->lines_before + 1);
    for (size_t i = 0; i <= c->count; i++) {
        if (i == c->row.from) {
            c->grant.from = grants;
            c->directory.from = directories;
        }
        if (i == c->row.to) {
            c->grant.to = grants;
            c->directory.to = directories;
        }
        if (i < c->count) {
            const struct old_row row = old_row(c, i);

            grants += row.grants;
            directories += row.directories;
            if (grants > c->grants || directories > c->directories)
                return false;
        }
    }
    return c->row.from <= c->row.to;
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

static int compare_uids(const void *a, const void *b)
{
    uid_t x = *(const uid_t *)a, y = *(const uid_t *)b;

    return (x > y) - (x < y);
}

/* Has a row that stays the name or the uid of one that was added? Or is there
 * no memory to find out? */
static bool has_one_twice(const struct users_change *c)
{
    const size_t n = c->added.count;
    uid_t *uid = calloc(n + 1, sizeof(*uid));
    bool found = !uid;

    for (size_t i = 0; i < n && uid; i++)
        uid[i] = c->added.row[i].uid;
    if (uid)
        qsort(uid, n, sizeof(*uid), compare_uids);
    for (size_t i = 0; i < c->count && !found && n > 0; i++) {
        const struct old_row row = old_row(c, i);

        if (i < c->row.from || i >= c->row.to)
            found = users_find(&c->added, row.name) ||
                    bsearch(&row.uid, uid, n, sizeof(*uid), compare_uids);
    }
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
    return count_after(c->count, &c->row, c->added.count) > USERS_MAX ||
           count_after(c->grants, &c->grant, c->added.grants) > GRANTS_MAX ||
           count_after(c->directories, &c->directory, c->added.directories) >
               DIRECTORIES_MAX;
}

static void change_release(struct users_change *c)
{
    c->added.share = NULL; /* these are the old users' */
    c->added.team = NULL;
    users_release(&c->added);
}

/* Returns 0, or -EAGAIN. In both cases the caller calls change_release(). */
static int change_read(struct users_change *c, struct slice before,
                       struct slice now)
{
    if (!change_find(c, before, now))
        return -EAGAIN;
    if (!change_find_rows(c))
        return -EAGAIN;
    if (change_read_lines(
            c, (struct slice){ now.ptr + c->at, c->now - c->at }) < 0)
        return -EAGAIN;
    return has_one_twice(c) || is_too_much(c) ? -EAGAIN : 0;
}

int users_check_change(const struct users *old, struct slice before,
                       struct slice now)
{
    struct users_change c = { .old = old,
                              .count = old->count,
                              .grants = old->grants,
                              .directories = old->directories };
    int r = change_read(&c, before, now);

    change_release(&c);
    return r;
}

/* OLD has only the shares and the teams. */
static int write_change(const struct users *old, struct slice before,
                        struct slice now, int fd)
{
    struct users_image image;
    struct users_change c = { .old = old, .image = &image };
    int r;

    if (!users_image_open(&image, old->text, old->text_size) ||
        image.text_size != before.len + 1)
        return -EAGAIN;
    c.count = image.head->users;
    c.grants = image.head->grants;
    c.directories = image.head->directories;
    r = change_read(&c, before, now);
    if (r == 0)
        r = image_write_change(&c, fd);
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
        users_take_groups(&old, table, &why) == 0) {
        r = write_change(&old, old_text, text, fd);
        users_release(&old);
    }
    shared_unmap_whole(old_text);
    shared_unmap_whole(text);
    return r;
}
