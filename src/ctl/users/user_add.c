/* Rows in the making, as "user add", "user change" and "user import" need them:
 * their checks against the other rows, their uid, and their home. The disk is
 * asked in a fork, since it may be dead. At the end "user add", the whole of
 * it. */
#include "edit/edit.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

int draft_begin(struct context *x, struct draft *d, const char *name)
{
    int r = row_parse(&d->row, ROW_NEW);

    d->local_gid = 0;
    d->local_mode = 02770;
    d->made = false;
    if (r == 0)
        r = row_set_column(&d->row, ROW_NAME, name);
    return row_exit(r, &x->complaint);
}

void draft_end(struct draft *d)
{
    row_release(&d->row);
}

int draft_home_in(struct context *x, struct draft *d, const char *directory)
{
    char home[USER_HOME_MAX + USER_NAME_MAX + 2];

    snprintf(home, sizeof(home), "%s/%s", directory, d->row.column[ROW_NAME]);
    return given_home(x, &d->row, home);
}

static int check_new(struct context *x, const char *name, const struct users *u)
{
    const struct user *same = users_find(u, slice_from(name));

    return same ? ctl_fail(x, EX_DATAERR,
                           "%s:%zu: %s is there already; run: sallyportctl "
                           "user passwd %s",
                           x->settings.users, same->line, name, name)
                : sessions_name_check(x, name);
}

/* Is each share of --share there, or each team of --team? */
static int check_list(struct context *x, const struct users *u,
                      const char *list, bool share)
{
    struct slice rest = slice_from(list);
    struct list_entry one;

    while (entry_next(&rest, &one)) {
        const struct slice name = share ? one.name : one.text;

        if (line_find(u, share, name) == 0)
            return ctl_missing(x, share ? "share" : "team", name);
    }
    return 0;
}

static int check_uid(struct context *x, uint64_t uid, const struct users *u,
                     const struct user *own)
{
    for (size_t i = 0; i < u->count && uid != 0; i++) {
        const struct user *row = &u->row[i];

        if (row != own && row->uid == uid)
            return ctl_fail(
                x, EX_DATAERR, "%s:%zu: uid %u belongs to %s; leave out --uid",
                x->settings.users, row->line, (unsigned)row->uid, row->name);
    }
    return 0;
}

static int check_local_gid(struct context *x, gid_t gid, const struct users *u)
{
    for (size_t i = 0; i < u->shares && gid != 0; i++)
        if (u->share[i].gid == gid)
            return ctl_fail(x, EX_DATAERR,
                            "%s:%zu: gid %u is that of the share %s, whose "
                            "members could enter the home; make another group",
                            x->settings.users, u->share[i].line, (unsigned)gid,
                            u->share[i].name);
    return 0;
}

static int check_home(struct context *x, const char *home,
                      const struct users *u, const struct user *own)
{
    if (user_path_within(x->settings.shares, home))
        return ctl_fail(x, EX_DATAERR,
                        "home %s contains %s (shares); give --home DIR", home,
                        x->settings.shares);
    return home_check_alone(x, u, own, home, "give --home DIR");
}

int draft_check(struct context *x, const struct draft *d, const struct users *u,
                const struct user *own)
{
    const char *home = d->row.column[ROW_HOME];
    int code = own ? 0 : check_new(x, d->row.column[ROW_NAME], u);

    if (code == 0)
        code = check_list(x, u, x->args.share, true);
    if (code == 0)
        code = check_list(x, u, x->args.team, false);
    if (code == 0)
        code = check_uid(x, row_get_number(&d->row, ROW_UID), u, own);
    if (code == 0)
        code = check_local_gid(x, d->local_gid, u);
    return code || !home[0] ? code : check_home(x, home, u, own);
}

int draft_set_ids(struct context *x, struct draft *d, uint64_t uid,
                  uint64_t gid)
{
    int r = row_set_number(&d->row, ROW_UID, uid);

    if (r == 0)
        r = row_set_number(&d->row, ROW_GID, gid);
    return row_exit(r, &x->complaint);
}

/* Sets uid and gid, as uids_assign(). */
static int draft_assign(struct context *x, struct draft *d, struct uids *uids)
{
    uint64_t uid = row_get_number(&d->row, ROW_UID),
             gid = row_get_number(&d->row, ROW_GID);
    int code =
        uids_assign(x, uids, slice_from(d->row.column[ROW_NAME]), &uid, &gid);

    return code ? code : draft_set_ids(x, d, uid, gid);
}

/* Could the user have the uid that the home belongs to? */
static bool may_own(const struct context *x, const char *home,
                    const struct users *u)
{
    struct stat st;

    if (geteuid() != 0 || stat(home, &st) ||
        st.st_uid < x->settings.uid_first || st.st_uid > x->settings.uid_last ||
        uid_is_of_system(st.st_uid) != 0)
        return false;
    for (size_t i = 0; i < u->count; i++)
        if (u->row[i].uid == st.st_uid)
            return false;
    return true;
}

/* What is made on the user's disk. */
struct making {
    const struct draft *d;
    const struct users *users;
    const char *home; /* the draft's, or that of the row that it changes */
    bool only_check, made;
    struct stored stored; /* with --max-files or --max-bytes */
};

static int make_home(struct context *x, struct making *m)
{
    const struct draft *d = m->d;
    const struct home_wanted h = {
        .path = m->home,
        .below = x->settings.homes,
        .uid = (uid_t)row_get_number(&d->row, ROW_UID),
        .gid = d->local_gid ? d->local_gid
                            : (gid_t)row_get_number(&d->row, ROW_GID),
        .mode = d->local_gid ? d->local_mode : 0700,
        .offer = may_own(x, m->home, m->users),
        .only_check = m->only_check,
    };
    int code = m->only_check ? paths_permit(x, "home", m->home) : 0;

    if (code)
        return code;
    return m->only_check ? home_check(&h, &x->complaint)
                         : home_make(&h, &m->made, &x->complaint);
}

/* An earlier user of the home may have used up all of it. MOST is the option
 * with that limit. */
static void hint_counted(const char *home, const char *most, uint64_t n,
                         const char *unit)
{
    if (n > 0 && most && strcmp(most, DEFAULT) != 0)
        fprintf(stderr,
                "sallyportctl: %s: %" PRIu64 " of %s %s are counted already; "
                "to begin at 0 run: setfattr -x " STORED_ATTRIBUTE " %s\n",
                home, n, most, unit, home);
}

/* With --max-files and --max-bytes the home's directory holds the count. */
static int check_count(struct context *x, struct making *m)
{
    const struct arguments *a = &x->args;

    if ((!a->max_files && !a->max_bytes) ||
        stored_in(m->home, &m->stored) != -EOPNOTSUPP)
        return 0;
    return ctl_fail(x, EX_CONFIG,
                    "--max-%s: %s: its file system stores no extended "
                    "attributes, which hold the count; give a --home DIR on "
                    "ext4, xfs or btrfs",
                    a->max_files ? "files" : "bytes", m->home);
}

/* In a home that is new, each directory of PATH is new too. */
static void note_inside(struct edit *e, const char *home, const char *path)
{
    char all[2 * USER_HOME_MAX + 2];

    for (size_t i = 1; path[i - 1]; i++)
        if (path[i] == '/' || path[i] == '\0') {
            snprintf(all, sizeof(all), "%s%.*s", home, (int)i, path);
            edit_made(e, all);
        }
}

/* The directory of --rights-in, unless it only loses its rights. */
static bool draft_inside(struct context *x, char path[USER_HOME_MAX + 1])
{
    const char *role = NULL;

    return x->args.rights_in && given_rights_in(x, path, &role) == 0 && role;
}

/* The directory of --rights-in, if it is missing: the user can't make it. */
static int make_inside(struct context *x, const struct making *m,
                       const char *inside)
{
    char path[USER_HOME_MAX + 1];
    const struct home_wanted h = {
        .path = path,
        .below = x->settings.homes,
        .uid = (uid_t)row_get_number(&m->d->row, ROW_UID),
        .gid = (gid_t)row_get_number(&m->d->row, ROW_GID)
    };

    if (place_tidy(slice_from(m->home), path, sizeof(path)))
        return ctl_fail(x, EX_DATAERR, "the home's path is too long");
    return home_make_inside(&h, inside, &x->complaint);
}

static int make_on_disk(struct context *x, void *data)
{
    struct making *m = data;
    char inside[USER_HOME_MAX + 1];
    int code = m->d->row.column[ROW_HOME][0] ? make_home(x, m) : 0;

    if (m->only_check)
        return code;
    if (code == 0)
        code = check_count(x, m);
    return code || !draft_inside(x, inside) ? code : make_inside(x, m, inside);
}

int draft_check_make(struct context *x, const struct draft *d, struct edit *e)
{
    const char *home = d->row.column[ROW_HOME];
    struct making m = {
        .d = d, .users = e->users, .home = home, .only_check = true
    };

    return home[0] ? disk_run_locked(x, make_on_disk, &m, sizeof(m), home) : 0;
}

int draft_make(struct context *x, struct draft *d, struct edit *e,
               const char *home)
{
    const char *own = d->row.column[ROW_HOME];
    struct making m = { .d = d,
                        .users = e->users,
                        .home = own[0] ? own : home };
    char inside[USER_HOME_MAX + 1];
    int code = disk_run_locked(x, make_on_disk, &m, sizeof(m), m.home);

    d->made = m.made;
    if (m.made)
        edit_made(e, own);
    if (m.made && draft_inside(x, inside))
        note_inside(e, own, inside);
    if (code == 0) {
        hint_counted(m.home, x->args.max_files, m.stored.files, "files");
        hint_counted(m.home, x->args.max_bytes, m.stored.bytes, "bytes");
    }
    return code;
}

int draft_put(struct context *x, struct draft *d, struct edit *e)
{
    int code = edit_append(e, &d->row);

    if (code)
        return code;
    code = draft_make(x, d, e, NULL);
    if (code)
        edit_remove(e, e->lines);
    return code;
}

/* "user add": a row in the users file, and a home. The uid is recorded as used
 * before anything else is written, so that it is never assigned twice. */

/* Makes the row of what the command line says. */
static int take_arguments(struct context *x, struct draft *d)
{
    int code = draft_begin(x, d, x->args.word[2]);

    if (code)
        return code;
    if (x->args.local_group)
        code = given_group(x, x->args.local_group, &d->local_gid);
    if (code == 0)
        code = row_exit(row_set(&d->row, "rights", "full"), &x->complaint);
    if (code == 0)
        code = given_set(x, &d->row);
    if (code == 0)
        code = given_ids_free(x);
    return code || x->args.home ? code : draft_home_in(x, d, x->settings.homes);
}

static int take_password(struct context *x, struct draft *d,
                         struct secret *password)
{
    char hash[HASH_MAX];
    int code;

    if (x->args.hash_stdin)
        return given_hash(x, &d->row);
    code = password_hash(x, password, hash);
    if (code == 0)
        code = row_exit(row_set_column(&d->row, ROW_HASH, hash), &x->complaint);
    explicit_bzero(hash, sizeof(hash));
    return code;
}

static int user_add_spend_uid(struct context *x, struct draft *d,
                              struct edit *e)
{
    struct uids uids;
    int code = uids_open(x, &uids, e);

    if (code == 0)
        code = draft_assign(x, d, &uids);
    if (code == 0) /* a uid isn't spent for a home that is refused */
        code = draft_check_make(x, d, e);
    return code ? code : uids_record(&uids, e);
}

static int add_locked(struct context *x, struct edit *e, void *given)
{
    struct draft *d = given;
    int code = draft_check(x, d, e->users, NULL);

    if (code == 0)
        code = user_add_spend_uid(x, d, e);
    if (code == 0)
        code = draft_put(x, d, e);
    return code ? code : edit_commit(e);
}

/* Checks all before the password is asked for: no lock is held while somebody
 * types. */
int user_add_row(struct context *x, struct draft *d, struct secret *password)
{
    int code = take_arguments(x, d);

    if (code == 0)
        code = draft_check(x, d, &x->users, NULL);
    if (code == 0)
        code = take_password(x, d, password);
    if (code)
        return code;
    if (row_get_number(&d->row, ROW_UID) == 0)
        known_ask_owners(x, d->row.column[ROW_HOME]);
    return edit_run(x, add_locked, d);
}

int user_add(struct context *x)
{
    SECRET_CLEANUP struct secret password = { .len = 0 };
    struct draft d;
    int code = user_add_row(x, &d, &password);

    if (code == 0) {
        printf("user %s: uid %s, home %s%s\n", d.row.column[ROW_NAME],
               d.row.column[ROW_UID], d.row.column[ROW_HOME],
               d.made ? "" : " (was there, kept)");
        password_show(x, &password);
        given_hint(x);
    }
    draft_end(&d);
    return code;
}
