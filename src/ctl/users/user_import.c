/* "user import": users from the files of other servers, and from "user export".
 * One lock, and one replacement of the users file. Lines that give no user are
 * printed with the reason. A hash that the server doesn't accept isn't
 * imported: such a user is locked until "user passwd". */
#include "ctl.h"
#include "import.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* Text from a file, for the terminal. */
#define TEXT_SHOWN 256

static void import_show(struct slice text, char out[TEXT_SHOWN])
{
    if (server_escape(text, out, TEXT_SHOWN))
        snprintf(out, TEXT_SHOWN, "a long text");
}

void import_skip(struct import *m, struct imported *e, const char *why,
                 bool expected)
{
    char name[TEXT_SHOWN];

    import_show(e->name, name);
    printf("%s:%zu: %s: skipped: %s\n", m->path, e->line, name, why);
    e->skipped = true;
    m->unexpected += !expected;
}

/* Does it get a row? */
static bool is_new(const struct imported *e)
{
    return !e->skipped && !e->there;
}

static bool has_new(const struct import *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (is_new(&m->entry[i]))
            return true;
    return false;
}

/* Uids. Our own format keeps them, unless somebody has that number here, or may
 * have had it and left files. */

static const struct known *known_home(const struct import *m,
                                      const struct imported *e)
{
    return known_of(m->x, e->draft.row.column[ROW_HOME]);
}

/* The user comes back to the own home. */
static bool import_has_home(const struct import *m, const struct imported *e)
{
    const struct known *home = known_home(m, e);

    return geteuid() != 0 || /* without root all files have one uid */
           (home && home->directory && !home->link && home->uid == e->uid);
}

/* Returns 1, 0, or -errno as uid_is_of_system(). */
static int may_keep_uid(struct import *m, const struct edit *e,
                        const struct imported *one, const struct spent *spent)
{
    const struct settings *s = &m->x->settings;
    const uint64_t uid = one->uid;
    int taken;

    if (spent_has(spent, uid) && !import_has_home(m, one))
        return 0;
    if (uid < s->uid_first || uid > s->uid_last)
        return 0;
    taken = uid_is_of_system(uid);
    if (taken == 0)
        taken = gid_is_of_system(uid); /* the gid is the same number */
    for (size_t i = 0; i < e->users->count && taken == 0; i++)
        taken = e->users->row[i].uid == uid;
    return taken < 0 ? taken : !taken;
}

/* An import that was killed has left an empty home: its uid is nobody's.
 * Returns 1, 0, or -errno as above. */
static int uid_of_empty_home(struct import *m, struct edit *e,
                             struct imported *one)
{
    const struct settings *s = &m->x->settings;
    const struct known *home = known_home(m, one);

    if (geteuid() != 0 || !home || !home->empty || home->uid < s->uid_first ||
        home->uid > s->uid_last)
        return 0;
    for (size_t i = 0; i < e->users->count; i++)
        if (e->users->row[i].uid == home->uid)
            return 0;
    for (const struct imported *other = m->entry; other < one; other++)
        if (is_new(other) && other->uid == home->uid)
            return 0;
    int taken = uid_is_of_system(home->uid);
    if (taken == 0)
        one->uid = home->uid;
    return taken < 0 ? taken : !taken;
}

/* Not for this entry alone: each further home may be on the same dead disk,
 * while others wait for the lock; and there is no memory. */
static bool ends_import(int code)
{
    return code == EX_TEMPFAIL || code == EX_OSERR;
}

/* CODE is what became of the entry. Returns the one that ends the import, or
 * 0. */
static int skip_failed(struct import *m, struct imported *e, int code,
                       bool expected)
{
    if (code == 0 || ends_import(code))
        return code;
    import_skip(m, e, m->x->complaint.text, expected);
    m->x->complaint.text[0] = '\0';
    return 0;
}

/* A uid isn't spent for a home that is refused. */
static int assign_one(struct import *m, struct edit *e, struct uids *uids,
                      struct imported *one)
{
    const uint64_t last = uids->spent.last;
    const bool given = one->uid != 0;
    int code =
        given ? 0 : uids_assign(m->x, uids, one->name, &one->uid, &one->gid);

    if (code == 0)
        code = draft_set_ids(m->x, &one->draft, one->uid, one->gid);
    if (code)
        return code;
    code = skip_failed(m, one, draft_check_make(m->x, &one->draft, e), false);
    if (one->skipped && !given)
        uids->spent.last = last;
    return code;
}

/* First those that keep theirs, so that no other user gets one of them. */
static int assign_uids(struct import *m, struct edit *e, struct uids *uids)
{
    int code = 0;

    for (size_t i = 0; i < m->count && code == 0; i++) {
        struct imported *one = &m->entry[i];

        if (!is_new(one))
            continue;
        int own = m->format->own ? may_keep_uid(m, e, one, &uids->spent)
                                 : uid_of_empty_home(m, e, one);
        if (own < 0)
            return nss_fail(m->x, own);
        if (own == 0)
            one->uid = 0;
        one->gid = one->uid; /* a group of another machine means nothing */
        if (one->uid == 0)
            continue;
        if (m->format->own)
            uids_hint(uids, one->name, one->uid);
        code = uids_choose(m->x, uids, one->uid);
    }
    for (size_t i = 0; i < m->count && code == 0; i++)
        if (is_new(&m->entry[i]))
            code = assign_one(m, e, uids, &m->entry[i]);
    return code;
}

/* Skips those whose name or home somebody has. */
static int import_check(struct import *m, struct imported *e,
                        const struct users *u)
{
    return skip_failed(m, e, draft_check(m->x, &e->draft, u, NULL),
                       users_find(u, e->name) != NULL);
}

static void print_home(const struct imported *e)
{
    char home[TEXT_SHOWN], tidy[USER_HOME_MAX + 1];

    if (e->home.len == 0 || place_tidy(e->home, tidy, sizeof(tidy)) ||
        strcmp(tidy, e->draft.row.column[ROW_HOME]) == 0)
        return;
    import_show(e->home, home);
    printf("; its files stay in %s", home);
}

/* What restricts the user: all keys but two. */
static void print_keys(const struct row *row)
{
    const char *before = "; with ";

    for (size_t i = 0; i < row->keys; i++)
        if (strncmp(row->key[i], "rights=", 7) != 0 &&
            strncmp(row->key[i], "sync=", 5) != 0) {
            printf("%s%s", before, row->key[i]);
            before = " ";
        }
}

static void print_no_hash(const struct imported *e)
{
    char hash[USER_HASH_MAX + 2] = "x"; /* for one that is too long */

    slice_copy(e->hash, hash, sizeof(hash));
    printf("; locked, since it has no usable hash (%s); run: sallyportctl "
           "user passwd %s",
           hash[strspn(hash, "!*")] ? user_hash_found(hash) : "there is none",
           e->draft.row.column[ROW_NAME]);
    explicit_bzero(hash, sizeof(hash));
}

/* Of a row that follows a source. */
static void print_lock_there(const struct imported *e)
{
    if (e->lock.len > 0)
        printf("; locked: %.*s", (int)e->lock.len, e->lock.data);
    if (e->draft.row.column[ROW_HASH][0] != '$')
        print_no_hash(e);
}

static void print_lock(const struct imported *e)
{
    const char *hash = e->draft.row.column[ROW_HASH];

    if (hash[0] != '!')
        return;
    if (e->lock.len > 0 && hash[1]) {
        printf("; locked: %.*s; if it may log in without that, run: "
               "sallyportctl user unlock %s",
               (int)e->lock.len, e->lock.data, e->draft.row.column[ROW_NAME]);
        return;
    }
    if (e->lock.len > 0)
        printf("; without: %.*s", (int)e->lock.len, e->lock.data);
    if (hash[1])
        printf("; locked, as before");
    else
        print_no_hash(e);
}

static void print_entry(const struct import *m, const struct imported *e)
{
    const struct row *row = &e->draft.row;

    printf("user %s: uid %s, home %s", row->column[ROW_NAME],
           row->column[ROW_UID], row->column[ROW_HOME]);
    print_home(e);
    if (!m->format->own)
        print_keys(row);
    if (e->without.len > 0)
        printf("; without %.*s", (int)e->without.len, e->without.data);
    if (m->x->args.sync)
        print_lock_there(e);
    else
        print_lock(e);
    if (e->lists)
        printf("; without %s, which may be others here; see: sallyportctl "
               "share grant --help",
               e->lists);
    putchar('\n');
}

static void import_print(struct import *m)
{
    size_t imported = 0, skipped = 0;

    for (size_t i = 0; i < m->count; i++) {
        skipped += m->entry[i].skipped;
        if (is_new(&m->entry[i])) {
            print_entry(m, &m->entry[i]);
            imported++;
        }
    }
    if (m->x->args.sync)
        sync_print(m, imported, skipped);
    else
        printf("%zu imported, %zu skipped", imported, skipped);
    puts(m->x->args.dry_run ? "; nothing has changed (--dry-run)" : "");
}

/* From the first home to the new users file: an end between them would leave
 * homes and spent uids. */
static void import_hold_signals(int how)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(how, &set, NULL);
}

/* The uids are recorded first, then the homes are made. */
static int put_new(struct import *m, struct edit *e, struct uids *uids)
{
    int code = uids_record(uids, e);

    for (struct imported *one = m->entry;
         one < m->entry + m->count && code == 0; one++)
        if (is_new(one))
            code = skip_failed(m, one, draft_put(m->x, &one->draft, e), false);
    return code;
}

static int plan_new(struct import *m, struct edit *e, struct uids *uids)
{
    int code = uids_open(m->x, uids, e);

    for (size_t i = 0; i < m->count && code == 0; i++)
        if (is_new(&m->entry[i]))
            code = import_check(m, &m->entry[i], e->users);
    return code ? code : assign_uids(m, e, uids);
}

/* A run that finds all as it is writes nothing. */
static bool changes_nothing(const struct import *m)
{
    const struct sync_done *done = &m->sync;

    return m->x->args.dry_run ||
           (m->x->args.sync && !has_new(m) &&
            done->changed + done->closed + done->opened == 0);
}

static int import_locked(struct context *x, struct edit *e, void *given)
{
    struct import *m = given;
    const bool adds = !x->args.sync || has_new(m);
    struct uids uids;
    int code = x->args.sync ? sync_rows(m, e) : 0;

    if (code == 0 && adds)
        code = plan_new(m, e, &uids);
    if (code || changes_nothing(m))
        return code;
    import_hold_signals(SIG_BLOCK);
    if (adds)
        code = put_new(m, e, &uids);
    code = code ? code : edit_commit(e);
    import_hold_signals(SIG_UNBLOCK);
    return code;
}

static void skip_unusable(struct import *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->entry[i].why_not)
            import_skip(m, &m->entry[i], m->entry[i].why_not,
                        m->entry[i].no_user);
}

/* Makes the rows. Of some there can be none. */
static int make_rows(struct import *m)
{
    int code = 0;

    for (struct imported *e = m->entry; e < m->entry + m->count && code == 0;
         e++)
        if (is_new(e))
            code = skip_failed(m, e, import_row(m, e),
                               users_find(&m->x->users, e->name) != NULL);
    return code;
}

static int compare_homes(const void *a, const void *b)
{
    const struct imported *const *x = a, *const *y = b;

    return user_path_order((*x)->draft.row.column[ROW_HOME],
                           (*y)->draft.row.column[ROW_HOME]);
}

/* What lies in a directory follows it. */
static void skip_inner_homes(struct import *m, struct imported **one, size_t n)
{
    const struct imported *outer = NULL;

    qsort(one, n, sizeof(*one), compare_homes);
    for (size_t i = 0; i < n; i++) {
        const char *home = one[i]->draft.row.column[ROW_HOME];

        if (outer &&
            user_path_within(home, outer->draft.row.column[ROW_HOME])) {
            skip_failed(m, one[i],
                        ctl_fail(m->x, EX_DATAERR,
                                 "its home %s overlaps that of line %zu", home,
                                 outer->line),
                        false);
        } else {
            outer = one[i];
        }
    }
}

/* Compares the homes with one another, and asks the disks about them, before
 * the lock. */
static int import_look(struct import *m)
{
    int code = make_rows(m);
    struct imported **one;
    const char **path;
    size_t n = 0;

    if (code)
        return code;
    one = calloc(m->count + 1, sizeof(*one));
    path = calloc(m->count + 1, sizeof(*path));
    for (size_t i = 0; one && path && i < m->count; i++)
        if (is_new(&m->entry[i]))
            one[n++] = &m->entry[i];
    if (n > 0)
        skip_inner_homes(m, one, n);
    for (size_t i = 0; i < n; i++)
        path[i] = one[i]->draft.row.column[ROW_HOME];
    if (one && path)
        known_fill(m->x, &m->x->users, path, n);
    free(one);
    free(path);
    return m->x->known ? 0 : ctl_no_memory(m->x);
}

/* Of rows that an export has written. */
static void set_quotas(struct import *m)
{
    struct slice *name = calloc(m->count + 1, sizeof(*name));
    size_t n = 0;

    for (size_t i = 0; name && i < m->count; i++)
        if (!m->entry[i].skipped)
            name[n++] = m->entry[i].name;
    if (name)
        quota_follow(m->x, name, NULL, n);
    free(name);
}

int user_import(struct context *x)
{
    struct import m = { .x = x, .path = x->args.word[2] };
    int code;

    if (x->args.prefix && !user_home_ok(slice_from(x->args.prefix)))
        return ctl_fail(x, EX_USAGE, "--prefix %s: use %s", x->args.prefix,
                        user_home_wanted(slice_from(x->args.prefix)));
    code = import_read(&m);
    if (code == 0)
        code = sync_check(&m);
    if (code == 0) {
        skip_unusable(&m);
        if (x->args.sync)
            sync_split(&m, &x->users);
    }
    if (code == 0 && (!x->args.sync || has_new(&m))) {
        code = import_look(&m);
        if (code == 0)
            known_ask_owners(x, NULL);
    }
    if (code == 0)
        code = edit_run(x, import_locked, &m);
    if (code == 0)
        import_print(&m);
    if (code == 0 && m.format->own && !x->args.dry_run)
        set_quotas(&m);
    if (code == 0 && m.unexpected > 0)
        code = ctl_fail(x, EX_DATAERR,
                        "%zu lines gave no user; what they need is above",
                        m.unexpected);
    import_release(&m);
    return code;
}
