/* "user import --sync NAME": changes the rows that follow a source. The key
 * sync= of a row says which source the row follows, and what the source has
 * said (userparse/sync.c). So the lock of the source, in sync=, and the lock of
 * an administrator, '!' before the hash, don't end each other. Only the rows of
 * the source change, and only their hash, comment, end and lock of the
 * source. */
#include "import.h"

#include <strings.h>

/* A reason with names and commands. */
#define WHY_MAX (8 * USER_NAME_MAX + 256)

/* Does the row follow the source of the command line? *sync gets its key
 * sync=. */
static bool is_ours(const struct user *row, struct user_sync *sync)
{
    return user_sync_parse(row->sync, sync) == 0 &&
           slice_equal(sync->name, slice_from(ctl.args.sync));
}

/* Skips the entry if it is probably a user of the source with a new name: a row
 * of the source has no entry in the text, and has this hash, or this name in
 * other case. A directory ignores the case of names. */
static void skip_renamed(struct import *m, struct imported *one,
                         const struct users *u)
{
    const char *hash = one->draft.row.column[ROW_HASH];
    char why[WHY_MAX];

    for (size_t i = 0; i < u->count; i++) {
        const struct user *row = &u->row[i];
        const struct imported *there = import_find(m, row->name);
        struct user_sync sync;

        if ((there && !there->skipped) || !is_ours(row, &sync) ||
            (strcasecmp(row->name, one->name) != 0 &&
             (one->no_hash || strcmp(hash, row->hash) != 0)))
            continue;
        complaint_write(
            why, sizeof(why),
            "it seems to be %s with a new name; run: sallyportctl user "
            "change %s --sync none && sallyportctl user rename %s %s && "
            "sallyportctl user change %s --sync %s",
            row->name, row->name, row->name, one->name, one->name,
            ctl.args.sync);
        import_skip(m, one, why, false);
        return;
    }
}

void sync_split(struct import *m, const struct users *u)
{
    for (size_t i = 0; i < m->count; i++) {
        struct imported *one = &m->entry[i];
        const struct user *row =
            one->skipped ? NULL : users_find(u, slice_from(one->name));
        struct user_sync sync;
        char why[WHY_MAX];

        if (!row && !one->skipped)
            skip_renamed(m, one, u);
        one->there = row && is_ours(row, &sync);
        if (!row || one->there)
            continue;
        if (sync.name.len > 0)
            snprintf(why, sizeof(why), "it belongs to the source %.*s",
                     (int)sync.name.len, sync.name.ptr);
        else
            complaint_write(why, sizeof(why),
                            "its row was made here; to let it follow this "
                            "source run: sallyportctl user change %s --sync %s",
                            one->name, ctl.args.sync);
        import_skip(m, one, why, true);
    }
}

/* Returns the new marks of a row. If ONE is NULL, since the source lacks the
 * user, adds SYNC_GONE to the marks BEFORE, which stay for the user's return.
 * If the entry isn't understood, they stay, too, and the user is locked. */
static unsigned marks_of(const struct imported *one, unsigned before)
{
    if (!one)
        return before | SYNC_GONE;
    if (one->broken)
        return before | SYNC_LOCKED;
    return (one->no_hash ? 0u : SYNC_HASH) |
           (row_get(&one->draft.row, "expires") ? SYNC_EXPIRES : 0u) |
           (one->locked ? SYNC_LOCKED : 0u);
}

void sync_mark(struct imported *e)
{
    if (ctl.args.sync)
        user_set_sync(&e->draft.row, slice_from(ctl.args.sync), marks_of(e, 0));
}

/* Does the source lock a row that was open? A row that loses its hash counts as
 * locked, too: the source's search can lack the right to read hashes. */
static bool closes(unsigned before, unsigned after)
{
    return !(before & SYNC_CLOSED) &&
           (after & SYNC_CLOSED ||
            (before & SYNC_HASH && !(after & SYNC_HASH)));
}

/* Refuses changes of more than half of the rows; but permits one or two. */
static void check_most(const struct import *m, size_t changed, size_t all,
                       const char *what)
{
    if (changed > 2 && changed > all / 2 && !ctl.args.most)
        fail(EX_DATAERR,
             "%s: %zu of the %zu %s, more than half, so nothing has changed; "
             "if that is right, run it once with --most",
             m->path, changed, all, what);
}

/* Refuses a text that has probably lost users or attributes. An empty or cut
 * text looks like a source without users; and if a search lacks the right to
 * read the attributes for locks and ends, all users look unlocked. */
static void check_loss(const struct import *m, const struct users *u)
{
    size_t open = 0, lost = 0, closed = 0, opened = 0, ends = 0, endless = 0;
    bool empty = true;

    for (size_t i = 0; i < m->count; i++)
        empty = empty && !import_find(m, m->entry[i].name);
    if (empty && !ctl.args.most)
        fail(EX_DATAERR,
             "%s: there are no users in it, so nothing has changed; if that is "
             "right, run it once with --most",
             m->path);
    for (size_t i = 0; i < u->count; i++) {
        const struct imported *one = import_find(m, u->row[i].name);
        struct user_sync sync;

        if (!is_ours(&u->row[i], &sync))
            continue;
        const unsigned after = marks_of(one, sync.marks);
        open += !(sync.marks & SYNC_CLOSED);
        lost += closes(sync.marks, after);
        closed += sync.marks & SYNC_LOCKED ? 1 : 0;
        opened += sync.marks & SYNC_LOCKED && !(after & SYNC_CLOSED);
        ends += sync.marks & SYNC_EXPIRES ? 1 : 0;
        endless += sync.marks & SYNC_EXPIRES && !(after & SYNC_EXPIRES);
    }
    check_most(m, lost, open, "open users of this source would be locked");
    check_most(m, opened, closed,
               "users whom this source has locked would be open");
    check_most(m, endless, ends,
               "users with an end from this source would have no end");
}

/* One row. */

struct sync_row {
    struct import *m;
    const struct user *row;
    const struct imported *one; /* NULL: the source lacks the user */
    unsigned before, after;     /* SYNC_ bits */
    struct buf changed;         /* names of columns, for the message */
};

static void say_changed(struct sync_row *r, const char *what)
{
    buf_add_format(&r->changed, "%s%s", r->changed.len > 0 ? ", " : "", what);
}

/* Sets what the source has. Keeps a lock by hand, and an end that an
 * administrator has set while the source has none. */
static void sync_put(struct sync_row *r)
{
    const struct user *row = r->row;
    const bool usable = r->after & SYNC_HASH, locked = row->locked_by_hand;
    const struct row *from = &r->one->draft.row;
    const char *hash = !usable && locked ? "" : from->column[ROW_HASH];
    const char *now = row_get(from, "expires");
    const char *comment = from->column[ROW_COMMENT];
    int64_t when = 0;

    if (usable ? strcmp(hash, row->hash) != 0 : r->before & SYNC_HASH) {
        row_set_hash(edit_row(row->line), locked, hash);
        say_changed(r, usable ? "hash" : "no usable hash any more");
    }
    user_expires_parse(slice_from(now), &when);
    if ((now || r->before & SYNC_EXPIRES) && when != row->expires) {
        row_set(edit_row(row->line), "expires", now);
        say_changed(r, now ? "end" : "no end any more");
    }
    if (comment[0] && strcmp(comment, row->comment) != 0) {
        row_set_column(edit_row(row->line), ROW_COMMENT, comment);
        say_changed(r, "comment");
    }
}

/* Counts the row, and notes a line about it if it has changed. */
static void say_row(struct sync_row *r)
{
    struct sync_done *done = &r->m->sync;
    const bool opens = r->before & SYNC_CLOSED && !(r->after & SYNC_CLOSED);
    struct complaint hint = { "" };

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
        if (!r->one)
            buf_add_format(&done->said, "; locked: no longer in %s",
                           ctl.args.sync);
        else if (r->after & SYNC_LOCKED)
            buf_add_text(&done->said, r->one->broken
                                          ? "; locked: its row can't be used"
                                          : "; locked in the source");
        else
            complain(&hint,
                     "; locked, since it has no usable hash; run: "
                     "sallyportctl user passwd %s",
                     r->row->name);
        buf_add_text(&done->said, hint.text);
    } else if (opens) {
        done->opened++;
        buf_add_text(&done->said, r->row->locked_by_hand
                                      ? "; back, and still locked by hand"
                                      : "; open again");
    } else {
        done->changed++;
        if (r->changed.len == 0)
            buf_add_text(&done->said, "; the user stays locked");
    }
    buf_add_text(&done->said, "\n");
}

static void sync_row(struct import *m, const struct user *row, unsigned before)
{
    const struct imported *one = import_find(m, row->name);
    struct sync_row r = { .m = m,
                          .row = row,
                          .one = one,
                          .before = before,
                          .after = marks_of(one, before) };

    buf_init(&r.changed, USER_LINE_MAX);
    if (one && !one->broken)
        sync_put(&r);
    if (r.after != before)
        user_set_sync(edit_row(row->line), slice_from(ctl.args.sync), r.after);
    say_row(&r);
    buf_release(&r.changed);
}

void sync_rows(void *given)
{
    struct import *m = given;
    const struct users *u = edit_users;

    /* Skip entries if somebody has removed their row meanwhile. The next run
     * makes such a row again. */
    for (size_t i = 0; i < m->count; i++)
        if (m->entry[i].there && !users_find(u, slice_from(m->entry[i].name)))
            import_skip(m, &m->entry[i], "its row was removed just now", true);
    check_loss(m, u);
    for (size_t i = 0; i < u->count; i++) {
        struct user_sync sync;

        if (is_ours(&u->row[i], &sync))
            sync_row(m, &u->row[i], sync.marks);
    }
}
