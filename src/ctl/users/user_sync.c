/* "user import --sync NAME": rows that follow a source. The key sync= of a row
 * says which source made it, and what the source has said (userparse/sync.c).
 * So the lock of the source and the lock of an administrator, the '!' before
 * the hash, are two facts: neither ends the other. Only the rows of the source
 * change, and of them only what it has: hash, comment, end, its lock. */
#include "import.h"

/* For 131072 rows. */
#define SAID_MAX (64u << 20)

int sync_check(const struct import *m)
{
    struct context *x = m->x;

    if (!x->args.sync)
        return x->args.yes ? ctl_fail(x, EX_USAGE, "--yes goes with --sync")
                           : 0;
    if (!group_name_ok(slice_from(x->args.sync)))
        return ctl_fail(x, EX_USAGE,
                        "--sync %s: use 1 to 32 of a-z 0-9 . _ -, not "
                        "beginning with . or -",
                        x->args.sync);
    return m->format->read ? 0
                           : ctl_fail(x, EX_USAGE,
                                      "--sync goes with the formats ldif and "
                                      "json, not with %s",
                                      m->format->word);
}

/* Is it a row of this source? */
static bool is_ours(const struct import *m, const struct user *row,
                    struct user_sync *sync)
{
    return user_sync_parse(row->sync, sync) == 0 &&
           slice_equal(sync->name, slice_from(m->x->args.sync));
}

static void skip_other(struct import *m, struct imported *one,
                       const struct user_sync *sync)
{
    char why[256];

    if (sync->name.len > 0)
        snprintf(why, sizeof(why), "its row is that of the source %.*s",
                 (int)sync->name.len, sync->name.ptr);
    else
        snprintf(why, sizeof(why),
                 "its row was made here; to let it follow this source run: "
                 "sallyportctl user change %.*s --sync %s",
                 (int)one->name.len, one->name.ptr, m->x->args.sync);
    import_skip(m, one, why, true);
}

void sync_split(struct import *m, const struct users *u)
{
    for (size_t i = 0; i < m->count; i++) {
        struct imported *one = &m->entry[i];
        const struct user *row = one->skipped ? NULL : users_find(u, one->name);
        struct user_sync sync;

        if (!row)
            continue;
        one->there = is_ours(m, row, &sync);
        if (!one->there)
            skip_other(m, one, &sync);
    }
}

/* What the source says of a row; ONE is NULL if it doesn't have the user. What
 * it said before stays known then, for the user's return. */
static unsigned marks_of(const struct imported *one, unsigned before)
{
    if (!one)
        return before | SYNC_GONE;
    return (import_hash_usable(one) ? SYNC_HASH : 0u) |
           (row_get(&one->draft.row, "expires") ? SYNC_EXPIRES : 0u) |
           (one->lock.len > 0 ? SYNC_LOCKED : 0u);
}

int sync_mark(const struct import *m, struct imported *e)
{
    const struct user_sync sync = { slice_from(m->x->args.sync),
                                    marks_of(e, 0) };
    char text[SYNC_TEXT_MAX];

    return m->x->args.sync
               ? row_set(&e->draft.row, "sync", user_sync_text(&sync, text))
               : 0;
}

/* Does the source close a row that was open for it? Without its hash nobody can
 * log in either: so does a search that may not read the hashes. */
static bool closes(unsigned before, unsigned after)
{
    return !(before & SYNC_CLOSED) &&
           (after & SYNC_CLOSED ||
            (before & SYNC_HASH && !(after & SYNC_HASH)));
}

/* A source that is empty or cut looks like one without users. */
static int check_loss(struct import *m, const struct users *u)
{
    const char *name = m->x->args.sync;
    size_t open = 0, lost = 0;

    for (size_t i = 0; i < u->count; i++) {
        struct user_sync sync;

        if (!is_ours(m, &u->row[i], &sync) || sync.marks & SYNC_CLOSED)
            continue;
        open++;
        lost += closes(
            sync.marks,
            marks_of(import_find(m, slice_from(u->row[i].name)), sync.marks));
    }
    if (m->x->args.yes || lost <= open / 2)
        return 0;
    return ctl_fail(m->x, EX_DATAERR,
                    "%s: %zu of the %zu open users of the source %s would be "
                    "locked, more than half, so nothing has changed; if that "
                    "is right, run it once with --yes",
                    m->path, lost, open, name);
}

static int check_empty(const struct import *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (!m->entry[i].why_not)
            return 0;
    return m->x->args.yes
               ? 0
               : ctl_fail(m->x, EX_DATAERR,
                          "%s: there are no users in it, so nothing has "
                          "changed; if that is right, run it once with --yes",
                          m->path);
}

/* One row. */

struct sync_row {
    struct import *m;
    struct edit *e;
    const struct user *row;
    const struct imported *one; /* NULL: gone */
    unsigned before, after;     /* SYNC_ bits */
    struct buf changed;         /* names of columns, for people */
};

static void say_changed(struct sync_row *r, const char *what)
{
    buf_add_format(&r->changed, "%s%s", r->changed.len > 0 ? ", " : "", what);
}

/* A lock by hand stays. */
static int sync_put_hash(struct sync_row *r)
{
    char hash[USER_HASH_MAX + 1] = "";
    const bool usable = r->after & SYNC_HASH, locked = r->row->locked_by_hand;
    int code = 0;

    if (!usable && !(r->before & SYNC_HASH))
        return 0;
    if (usable) /* import_hash_usable() has copied it, too */
        slice_copy(r->one->hash, hash, sizeof(hash));
    else if (!locked)
        hash[0] = '*';
    if (!usable || strcmp(hash, r->row->hash) != 0) {
        code = edit_set_hash(r->e, r->row->line, locked, hash);
        say_changed(r, usable ? "hash" : "no usable hash any more");
    }
    explicit_bzero(hash, sizeof(hash));
    return code;
}

/* An end that somebody has set here stays, as long as the source has none. */
static int sync_put_expires(struct sync_row *r)
{
    const char *now = row_get(&r->one->draft.row, "expires");
    int64_t when = 0;

    if (!now && !(r->before & SYNC_EXPIRES))
        return 0;
    user_expires_parse(slice_from(now), &when);
    if (when == r->row->expires)
        return 0;
    say_changed(r, now ? "end" : "no end any more");
    return edit_set_key(r->e, r->row->line, "expires", now);
}

static int sync_put_comment(struct sync_row *r)
{
    char comment[USER_COMMENT_MAX + 1];

    import_take_comment(r->one, comment);
    if (!comment[0] || strcmp(comment, r->row->comment) == 0)
        return 0;
    say_changed(r, "comment");
    return edit_set_column(r->e, r->row->line, ROW_COMMENT, comment);
}

static int sync_put_sync(struct sync_row *r)
{
    const struct user_sync sync = { slice_from(r->m->x->args.sync), r->after };
    char text[SYNC_TEXT_MAX];

    return r->after == r->before ? 0
                                 : edit_set_key(r->e, r->row->line, "sync",
                                                user_sync_text(&sync, text));
}

static void say_closed(struct sync_row *r)
{
    struct sync_done *done = &r->m->sync;

    if (!r->one)
        buf_add_format(&done->said, "; locked, since %s has it no more",
                       r->m->x->args.sync);
    else if (r->after & SYNC_LOCKED)
        buf_add_format(&done->said, "; locked: %.*s", (int)r->one->lock.len,
                       r->one->lock.data);
    else
        buf_add_format(&done->said,
                       "; locked, since it has no usable hash; run: "
                       "sallyportctl user passwd %s",
                       r->row->name);
}

/* Counts the row, and prints it unless it is as before. */
static void say_row(struct sync_row *r)
{
    struct sync_done *done = &r->m->sync;
    const bool opens = r->before & SYNC_CLOSED && !(r->after & SYNC_CLOSED);

    if (r->changed.len == 0 && r->after == r->before) {
        done->same++;
        return;
    }
    buf_add_format(&done->said, "user %s: changed", r->row->name);
    if (r->changed.len > 0)
        buf_add_format(&done->said, ": %.*s", (int)r->changed.len,
                       r->changed.data);
    if (closes(r->before, r->after)) {
        done->closed++;
        say_closed(r);
    } else if (opens) {
        done->opened++;
        buf_add_text(&done->said, r->row->locked_by_hand
                                      ? "; back, and still locked by hand"
                                      : "; open again");
    } else {
        done->changed++;
        if (r->changed.len == 0)
            buf_add_text(&done->said, "; it stays locked");
    }
    buf_add_text(&done->said, "\n");
}

static int sync_row(struct import *m, struct edit *e, const struct user *row,
                    unsigned before)
{
    const struct imported *one = import_find(m, slice_from(row->name));
    struct sync_row r = { .m = m,
                          .e = e,
                          .row = row,
                          .one = one,
                          .before = before,
                          .after = marks_of(one, before) };
    int code = 0;

    buf_init(&r.changed, USER_LINE_MAX);
    if (one)
        code = sync_put_hash(&r);
    if (one && code == 0)
        code = sync_put_expires(&r);
    if (one && code == 0)
        code = sync_put_comment(&r);
    if (code == 0)
        code = sync_put_sync(&r);
    if (code == 0)
        say_row(&r);
    buf_release(&r.changed);
    return code;
}

/* Somebody has removed the row since it was read: the next run makes it
 * again. */
static void skip_removed(struct import *m, const struct users *u)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->entry[i].there && !users_find(u, m->entry[i].name))
            import_skip(m, &m->entry[i], "its row was removed just now", true);
}

int sync_rows(struct import *m, struct edit *e)
{
    int code = check_empty(m);

    if (code == 0)
        code = check_loss(m, e->users);
    if (code)
        return code;
    buf_init(&m->sync.said, SAID_MAX);
    skip_removed(m, e->users);
    for (size_t i = 0; i < e->users->count && code == 0; i++) {
        struct user_sync sync;

        if (is_ours(m, &e->users->row[i], &sync))
            code = sync_row(m, e, &e->users->row[i], sync.marks);
    }
    return code;
}

void sync_print(const struct import *m, size_t added, size_t skipped)
{
    const struct sync_done *done = &m->sync;

    printf("%.*s%zu added, %zu changed, %zu locked, %zu unlocked, %zu as "
           "before, %zu skipped",
           (int)done->said.len, done->said.len > 0 ? done->said.data : "",
           added, done->changed, done->closed, done->opened, done->same,
           skipped);
}

void sync_release(struct import *m)
{
    buf_release(&m->sync.said);
}
