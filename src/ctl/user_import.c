/* "user import": users from the files of other servers, and from "user export".
 * One lock, and one replacement of the users file. Lines that give no user are
 * printed with the reason. A hash that the server doesn't accept isn't
 * imported: such a user is locked until "user passwd". */
#include "import.h"
#include "known.h"

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

/* EXPECTED: the line needs nobody's look. */
static void import_skip(struct import *m, struct imported *e, const char *why,
                        bool expected)
{
    char name[TEXT_SHOWN];

    import_show(e->name, name);
    printf("%s:%zu: %s: skipped: %s\n", m->path, e->line, name, why);
    e->skipped = true;
    m->unexpected += !expected;
}

/* The complaint is why this one is skipped; the others can still be
 * imported. */
static void skip_by_complaint(struct import *m, struct imported *e,
                              bool expected)
{
    import_skip(m, e, m->x->complaint.text, expected);
    m->x->complaint.text[0] = '\0';
}

/* Writes the hash column of the row: the hash, or "!". */
static void import_take_hash(const struct imported *e,
                             char out[USER_HASH_MAX + 1])
{
    if (slice_copy(e->hash, out, USER_HASH_MAX + 1) || !user_hash_ok(out) ||
        !strchr(out, '$'))
        snprintf(out, USER_HASH_MAX + 1, "!");
    if (e->lock.len > 0 && out[0] != '!') {
        const size_t len = strlen(out);

        memmove(out + 1, out, len < USER_HASH_MAX ? len + 1 : 0);
        out[0] = '!';
        if (len >= USER_HASH_MAX)
            out[1] = '\0';
    }
}

/* What the row gets, with a NUL after each. */
struct row_text {
    char name[USER_NAME_MAX + 1], comment[USER_COMMENT_MAX + 1];
    char home[USER_HOME_MAX + 1], options[USER_LINE_MAX + 1];
};

/* Commas at the end of passwd(5)'s comments separate empty fields. */
static void import_take_comment(struct slice comment,
                                char out[USER_COMMENT_MAX + 1])
{
    while (comment.len > 0 && comment.ptr[comment.len - 1] == ',')
        comment.len--;
    if (!user_comment_ok(comment) ||
        slice_copy(comment, out, USER_COMMENT_MAX + 1))
        out[0] = '\0';
}

static int import_take_home(struct import *m, const struct imported *e,
                            struct addition *a, struct row_text *t)
{
    const struct settings *s = &m->x->settings;

    if (m->format->own && !m->x->args.prefix &&
        slice_copy(e->home, t->home, sizeof(t->home)) == 0)
        return fields_take_home(m->x, &a->f, t->home);
    return addition_take_home(m->x, a,
                              m->x->args.prefix ? m->x->args.prefix : s->homes);
}

/* The words of the last column: all but the shares and teams, which may have
 * the same names here and be others; or only those. */
static int import_take_options(struct slice options, bool lists, char *out,
                               size_t size)
{
    struct slice word;
    struct buf text;
    int r = 0;

    buf_init(&text, size - 1);
    while (r == 0 && slice_cut(&options, ' ', &word))
        if (word.len > 0 && lists == (slice_starts(word, SLICE("shares=")) ||
                                      slice_starts(word, SLICE("teams="))))
            r = buf_add_format(&text, "%s%.*s", text.len > 0 ? " " : "",
                               (int)word.len, word.ptr);
    snprintf(out, size, "%.*s", (int)text.len, text.len > 0 ? text.data : "");
    buf_release(&text);
    return r;
}

static int addition_of(struct import *m, const struct imported *e,
                       struct addition *a, struct row_text *t)
{
    int r;

    *a = (struct addition){ .name = t->name };
    a->f.comment = t->comment;
    a->f.uid = e->uid;
    a->f.gid = e->gid;
    import_take_hash(e, a->f.hash);
    import_take_comment(e->comment, t->comment);
    if (m->format->own)
        r = import_take_options(e->options, false, t->options,
                                sizeof(t->options));
    else
        r = snprintf(t->options, sizeof(t->options), "rights=full%.*s",
                     (int)e->keys.len,
                     e->keys.len > 0 ? e->keys.data : "") > USER_LINE_MAX;
    if (r || slice_copy(e->name, t->name, sizeof(t->name)))
        return ctl_fail(m->x, EX_DATAERR, "the line is too long");
    a->options = slice_from(t->options);
    return import_take_home(m, e, a, t);
}

/* Uids. Our own format keeps them, unless somebody has that number here, or may
 * have had it and left files. */

/* The user comes back to the own home. */
static bool import_has_home(struct import *m, const struct imported *e)
{
    struct row_text t;
    struct addition a;
    const struct known *home =
        addition_of(m, e, &a, &t) == 0 ? known_of(m->x, a.f.home) : NULL;
    bool has = home && home->directory && !home->link && home->uid == e->uid;

    fields_wipe(&a.f);
    return has || geteuid() != 0; /* without root all files have one uid */
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
    for (size_t i = 0; i < e->users.count && taken == 0; i++)
        taken = e->users.row[i].uid == uid;
    return taken < 0 ? taken : !taken;
}

/* An import that was killed has left an empty home: its uid is nobody's.
 * Returns 1, 0, or -errno as above. */
static int uid_of_empty_home(struct import *m, struct edit *e,
                             struct imported *one)
{
    const struct settings *s = &m->x->settings;
    struct row_text t;
    struct addition a;
    const struct known *home =
        addition_of(m, one, &a, &t) == 0 ? known_of(m->x, a.f.home) : NULL;

    fields_wipe(&a.f);
    if (geteuid() != 0 || !home || !home->empty || home->uid < s->uid_first ||
        home->uid > s->uid_last)
        return 0;
    for (size_t i = 0; i < e->users.count; i++)
        if (e->users.row[i].uid == home->uid)
            return 0;
    for (const struct imported *other = m->entry; other < one; other++)
        if (!other->skipped && other->uid == home->uid)
            return 0;
    int taken = uid_is_of_system(home->uid);
    if (taken == 0)
        one->uid = home->uid;
    return taken < 0 ? taken : !taken;
}

/* Each further home may be on the same dead disk, and others wait for the
 * lock. */
static bool disk_is_dead(int code)
{
    return code == EX_TEMPFAIL;
}

/* A uid isn't spent for a home that is refused. */
static int assign_one(struct import *m, struct edit *e, struct uids *uids,
                      struct imported *one)
{
    const uint64_t last = uids->spent.last;
    const bool given = one->uid != 0;
    struct row_text t;
    struct addition a;
    int code =
        given ? 0 : uids_assign(m->x, uids, one->name, &one->uid, &one->gid);

    if (code)
        return code;
    code = addition_of(m, one, &a, &t);
    if (code == 0)
        code = fields_check_make(m->x, &a.f, e);
    fields_wipe(&a.f);
    if (code == 0 || disk_is_dead(code))
        return code;
    skip_by_complaint(m, one, false);
    if (!given)
        uids->spent.last = last;
    return 0;
}

/* First those that keep theirs, so that no other user gets one of them. */
static int assign_uids(struct import *m, struct edit *e, struct uids *uids)
{
    int code = 0;

    for (size_t i = 0; i < m->count && code == 0; i++) {
        struct imported *one = &m->entry[i];

        if (one->skipped)
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
        if (!m->entry[i].skipped)
            code = assign_one(m, e, uids, &m->entry[i]);
    return code;
}

/* Skips those whose name or home somebody has. */
static void import_check(struct import *m, struct imported *e,
                         const struct users *u)
{
    struct row_text t;
    struct addition a;
    int code = addition_of(m, e, &a, &t);

    a.f.uid = 0; /* it may change */
    if (code || addition_check(m->x, &a, u))
        skip_by_complaint(m, e, users_find(u, e->name) != NULL);
    fields_wipe(&a.f);
}

static int import_put(struct import *m, struct imported *e, struct edit *edit)
{
    struct row_text t;
    struct addition a;
    int code = addition_of(m, e, &a, &t);

    if (code == 0)
        code = addition_put(m->x, &a, edit);
    fields_wipe(&a.f);
    if (code == 0 || disk_is_dead(code))
        return code;
    skip_by_complaint(m, e, false);
    return 0;
}

static void print_home(const struct imported *e, const struct addition *a)
{
    char home[TEXT_SHOWN], tidy[USER_HOME_MAX + 1];

    if (e->home.len == 0 || place_tidy(e->home, tidy, sizeof(tidy)) ||
        strcmp(tidy, a->f.home) == 0)
        return;
    import_show(e->home, home);
    printf("; its files stay in %s", home);
}

static void print_lock(const struct imported *e, const struct addition *a)
{
    char hash[USER_HASH_MAX + 2] = "x"; /* for one that is too long */

    if (a->f.hash[0] != '!')
        return;
    if (e->lock.len > 0 && a->f.hash[1]) {
        printf("; locked: %.*s; if it may log in without that, run: "
               "sallyportctl user unlock %s",
               (int)e->lock.len, e->lock.data, a->name);
        return;
    }
    if (e->lock.len > 0)
        printf("; without: %.*s", (int)e->lock.len, e->lock.data);
    if (a->f.hash[1]) {
        printf("; locked, as before");
        return;
    }
    slice_copy(e->hash, hash, sizeof(hash));
    printf("; locked, since it has no usable hash (%s); run: sallyportctl "
           "user passwd %s",
           hash[strspn(hash, "!*")] ? user_hash_found(hash) : "there is none",
           a->name);
    explicit_bzero(hash, sizeof(hash));
}

static void print_entry(struct import *m, const struct imported *e)
{
    struct row_text t;
    struct addition a;

    addition_of(m, e, &a, &t);
    printf("user %s: uid %llu, home %s", t.name, (unsigned long long)e->uid,
           a.f.home);
    print_home(e, &a);
    if (e->keys.len > 0)
        printf("; with%.*s", (int)e->keys.len, e->keys.data);
    if (e->without.len > 0)
        printf("; without %.*s", (int)e->without.len, e->without.data);
    print_lock(e, &a);
    import_take_options(e->options, true, t.options, sizeof(t.options));
    if (t.options[0])
        printf("; without %s, which may be others here; see: sallyportctl "
               "share grant --help",
               t.options);
    putchar('\n');
    fields_wipe(&a.f);
}

static void import_print(struct import *m)
{
    size_t imported = 0;

    for (size_t i = 0; i < m->count; i++)
        if (!m->entry[i].skipped) {
            print_entry(m, &m->entry[i]);
            imported++;
        }
    printf("%zu imported, %zu skipped%s\n", imported, m->count - imported,
           m->x->args.dry_run ? "; nothing has changed (--dry-run)" : "");
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

static int import_locked(struct context *x, struct edit *e, void *given)
{
    struct import *m = given;
    struct uids uids;
    int code = uids_open(x, &uids, e);

    for (size_t i = 0; i < m->count && code == 0; i++)
        if (!m->entry[i].skipped)
            import_check(m, &m->entry[i], &e->users);
    if (code == 0)
        code = assign_uids(m, e, &uids);
    if (code || x->args.dry_run)
        return code;
    import_hold_signals(SIG_BLOCK);
    code = uids_record(&uids, e);
    for (size_t i = 0; i < m->count && code == 0; i++)
        if (!m->entry[i].skipped)
            code = import_put(m, &m->entry[i], e);
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

struct import_home {
    char *path;
    struct imported *entry;
};

static int compare_homes(const void *a, const void *b)
{
    const struct import_home *x = a, *y = b;

    return user_path_order(x->path, y->path);
}

/* What lies in a directory follows it. */
static void skip_inner_homes(struct import *m, struct import_home *home,
                             size_t n)
{
    const struct import_home *outer = NULL;

    qsort(home, n, sizeof(*home), compare_homes);
    for (size_t i = 0; i < n; i++)
        if (outer && user_path_within(home[i].path, outer->path)) {
            ctl_fail(m->x, 0, "its home %s overlaps that of line %zu",
                     home[i].path, outer->entry->line);
            skip_by_complaint(m, home[i].entry, false);
        } else {
            outer = &home[i];
        }
}

/* Compares the homes with one another, and asks the disks about them, before
 * the lock. */
static int import_look(struct import *m)
{
    struct import_home *home = calloc(m->count + 1, sizeof(*home));
    const char **path = calloc(m->count + 1, sizeof(*path));
    size_t n = 0;

    for (size_t i = 0; home && i < m->count; i++) {
        struct row_text t;
        struct addition a;

        if (m->entry[i].skipped)
            continue;
        home[n].entry = &m->entry[i];
        if (addition_of(m, &m->entry[i], &a, &t) == 0)
            home[n].path = strdup(a.f.home);
        n += home[n].path != NULL;
        fields_wipe(&a.f);
        m->x->complaint.text[0] = '\0'; /* import_check() has it again */
    }
    if (home)
        skip_inner_homes(m, home, n);
    for (size_t i = 0; path && i < n; i++)
        path[i] = home[i].path;
    if (path)
        known_fill(m->x, &m->x->users, path, n);
    for (size_t i = 0; i < n; i++)
        free(home[i].path);
    free(home);
    free(path);
    return m->x->known ? 0 : ctl_fail(m->x, EX_OSERR, "out of memory");
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
        return ctl_fail(x, EX_USAGE,
                        "--prefix %s: use an absolute path without . and ..",
                        x->args.prefix);
    code = import_read(&m);
    if (code == 0) {
        skip_unusable(&m);
        code = import_look(&m);
    }
    if (code == 0)
        known_ask_owners(x, NULL);
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
