/* "user import": adds users from rows. A fork looks at their homes before the
 * lock; then the rows are added in pieces, so that no other command waits long
 * for the lock. If the server doesn't accept a hash, it isn't imported, and the
 * user is locked until "user passwd". */
#include "import.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/harmless.h"

/* Milliseconds for which a piece holds the lock. */
#define PIECE_MS 1000
/* Nanoseconds between two pieces, in which another command that retries the
 * lock can get it. */
#define PAUSE_NS 300000000

/* Does the entry get a new row? */
static bool is_new(const struct imported *e)
{
    return !e->skipped && !e->there;
}

/* Makes the row. If that fails, the caller skips the entry. */
static void make_row(void *data)
{
    struct imported *e = data;
    struct draft *d = &e->draft;
    /* In a row that follows a source, "!" is only for the administrator's
     * lock. */
    const bool locked = e->locked && !ctl.args.sync;
    struct buf line;

    if (locked)
        row_set_hash(&d->row, true, e->no_hash ? "" : d->row.column[ROW_HASH]);
    sync_mark(e);
    draft_home(d, e->has_home ? d->row.column[ROW_HOME] : NULL);
    draft_check(d, &ctl.users, NULL);
    home_check(&d->home);
    buf_init(&line, USER_LINE_MAX - 20); /* uid and gid come later */
    const int r = row_print(&d->row, &line);
    if (r == -ENOBUFS)
        fail(EX_DATAERR, "its line would be too long");
    row_need(r);
    buf_release(&line);
}

static int compare_homes(const void *a, const void *b)
{
    const struct imported *const *x = a, *const *y = b;

    return user_path_order((*x)->draft.home.path, (*y)->draft.home.path);
}

/* Skips entries with a home inside another new home. Sorts the homes first, so
 * that a directory precedes its contents. */
static void skip_inner_homes(struct import *m, struct imported **one, size_t n)
{
    const struct imported *outer = NULL;
    char why[USER_HOME_MAX + 128];

    qsort(one, n, sizeof(*one), compare_homes);
    for (size_t i = 0; i < n; i++) {
        const char *home = one[i]->draft.home.path;

        if (one[i]->skipped)
            continue;
        if (outer && user_path_within(home, outer->draft.home.path)) {
            snprintf(why, sizeof(why), "its home %s overlaps that of %s", home,
                     outer->name);
            import_skip(m, one[i], why, false);
        } else {
            outer = one[i];
        }
    }
}

/* Makes the new rows, and looks at their homes. Returns 0 if there is no new
 * row. */
static size_t import_look(struct import *m)
{
    struct imported **one = calloc(m->count + 1, sizeof(*one));
    size_t n = 0, fresh = 0;

    if (!one)
        fail_no_memory();
    for (size_t i = 0; i < m->count; i++)
        if (is_new(&m->entry[i]))
            one[n++] = &m->entry[i];
    if (n > 0) {
        home_check_mounted(ctl.settings.homes);
        ids_ask(false, n, NULL);
    }
    for (size_t i = 0; i < n; i++) {
        struct complaint why;

        one[i]->draft.home.uid = ids_likely(fresh);
        one[i]->draft.home.imports = true;
        disk_begin();
        const int code = fail_caught(make_row, one[i], &why);
        if (code == EX_TEMPFAIL || code == EX_OSERR)
            fail(code, "%s: %s", one[i]->name, why.text);
        if (code)
            import_skip(m, one[i], why.text,
                        users_find(&ctl.users, slice_from(one[i]->name)));
        fresh += !one[i]->skipped;
    }
    skip_inner_homes(m, one, n);
    free(one);
    return fresh;
}

/* Can the next home meet one of this piece by another case? Only the next piece
 * can tell whether the disk ignores case: home_check_case() needs a row. */
static bool has_twin(const struct import *m)
{
    const char *home = m->entry[m->next].draft.home.path;

    if (!is_new(&m->entry[m->next]))
        return false; /* it gets no home */
    for (size_t i = m->made; i < m->next; i++)
        if (is_new(&m->entry[i]) &&
            home_may_meet(m->entry[i].draft.home.path, home))
            return true;
    return false;
}

/* Adds a piece, under the lock. If a piece fails, the earlier pieces stay, and
 * also what the source has changed; the next run of the command continues. */
static void add_piece(void *given)
{
    struct import *m = given;
    const uint64_t end = clock_ms() + PIECE_MS;

    disk_begin();
    for (m->next = m->made;
         m->next < m->count && clock_ms() < end && !has_twin(m); m->next++) {
        struct imported *e = &m->entry[m->next];

        if (!is_new(e))
            continue;
        draft_check(&e->draft, edit_users, NULL);
        draft_put(&e->draft);
    }
}

/* Prints the lines about --sync and skipped entries. */
static void print_said(struct import *m)
{
    if (m->sync.said.len > 0)
        fwrite(m->sync.said.data, 1, m->sync.said.len, stdout);
    buf_clear(&m->sync.said);
}

/* Prints the new user with the restrictions, which are all keys but
 * rights=full, totp= and sync=. */
static void print_entry(const struct imported *e)
{
    const struct row *row = &e->draft.row;
    const char *before = "; with ";
    struct complaint hint = { "" };
    struct buf line;

    buf_init(&line, 2 * USER_LINE_MAX);
    buf_add_format(&line, "user %s: uid %u, home %s", e->name,
                   (unsigned)e->draft.home.uid, e->draft.home.path);
    for (size_t i = 0; i < row->keys; i++)
        if (row->key[i][0] && strncmp(row->key[i], "rights=full", 11) != 0 &&
            strncmp(row->key[i], "totp=", 5) != 0 &&
            strncmp(row->key[i], "sync=", 5) != 0) {
            buf_add_format(&line, "%s%s", before, row->key[i]);
            before = " ";
        }
    harmless_make(line.data, line.len);
    printf("%.*s", (int)line.len, line.data);
    buf_release(&line);
    if (e->locked)
        printf("; locked in the source");
    if (e->locked && !e->no_hash && !ctl.args.sync)
        complain(&hint,
                 "; if the user may log in nevertheless, run: sallyportctl "
                 "user unlock %s",
                 e->name);
    if (e->no_hash && !row_get(row, "login"))
        complain(&hint,
                 "; locked, since it has no usable hash (%s); run: "
                 "sallyportctl user passwd %s",
                 e->no_hash, e->name);
    puts(hint.text);
}

static void import_print(struct import *m)
{
    const struct sync_done *done = &m->sync;
    size_t imported = 0, skipped = 0;

    print_said(m);
    for (size_t i = 0; i < m->count; i++) {
        skipped += m->entry[i].skipped;
        if (is_new(&m->entry[i])) {
            print_entry(&m->entry[i]);
            imported++;
        }
    }
    if (ctl.args.sync)
        printf("%zu added, %zu changed, %zu locked, %zu unlocked, %zu as "
               "before, %zu skipped",
               imported, done->changed, done->closed, done->opened, done->same,
               skipped);
    else
        printf("%zu imported, %zu skipped", imported, skipped);
    puts(ctl.args.dry_run ? "; nothing has changed (--dry-run)" : "");
}

static struct import import;

/* For at_fail: prints the users that were added before the failure. */
static void print_partly(int code)
{
    (void)code;
    for (size_t i = 0; i < import.made; i++)
        if (is_new(&import.entry[i]) && import.entry[i].draft.home.gid)
            print_entry(&import.entry[i]);
    if (import.made > 0)
        stderr_print(
            "the import stopped here; remove the cause, and run it again");
}

void user_import(void)
{
    struct import *m = &import;
    size_t fresh;

    m->path = ctl.args.word[2];
    if (ctl.args.most && !ctl.args.sync)
        fail(EX_USAGE, "--most needs --sync");
    if (ctl.args.sync)
        given_source(ctl.args.sync, "");
    import_read(m);
    at_fail = print_partly;
    /* Change the existing rows first, so that the locks of the source count
     * even if a new user gets no uid or home. */
    if (ctl.args.sync) {
        sync_split(m, &ctl.users);
        edit_run(sync_rows, m);
        print_said(m);
    }
    fresh = import_look(m);
    while (fresh > 0 && !ctl.args.dry_run && m->made < m->count) {
        if (m->made > 0)
            nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
        edit_run(add_piece, m);
        m->made = m->next;
    }
    m->made = 0; /* print_partly() has nothing to say */
    import_print(m);
    if (m->unexpected > 0 && fflush(stdout) == 0) {
        stderr_print("%zu skipped; the reasons are above", m->unexpected);
        ctl_status = EX_DATAERR;
    }
}
