/* "user add": a row in the users file, and a home. The uid is recorded as used
 * before anything else is written, so that it is never assigned twice. */
#include "known.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/hash/hash.h"

static int take_arguments(struct context *x, struct addition *a)
{
    int code = 0;

    a->name = x->args.word[2];
    a->f.rights = RIGHT_ALL;
    if (x->args.print_password && x->args.hash_stdin)
        return ctl_fail(x, EX_USAGE,
                        "give --print-password or --hash-stdin, not both");
    if (x->args.local_group) {
        code = fields_take_group(x, x->args.local_group, &a->f.local_gid);
        if (!x->args.file_mode)
            x->args.file_mode = "0660";
        if (!x->args.dir_mode)
            x->args.dir_mode = "0770";
    }
    if (code == 0)
        code = keys_check(x);
    if (code == 0)
        code = fields_take(x, &a->f);
    if (!a->f.comment)
        a->f.comment = "";
    if (code || x->args.home)
        return code;
    return addition_take_home(x, a, x->settings.homes);
}

int addition_take_home(struct context *x, struct addition *a,
                       const char *directory)
{
    char home[USER_HOME_MAX + USER_NAME_MAX + 2];

    snprintf(home, sizeof(home), "%s/%s", directory, a->name);
    return fields_take_home(x, &a->f, home);
}

/* Checks --share, or --team. */
static int check_list(struct context *x, const struct users *u,
                      const char *list, bool share)
{
    struct slice rest = slice_from(list);
    struct list_entry one;

    while (entry_next(&rest, &one)) {
        unsigned rights;

        if (share ? !share_find(u, one.name) : !team_find(u, one.text))
            return ctl_missing(x, share ? "share" : "team",
                               share ? one.name : one.text);
        if (entry_rights(&one, &rights))
            return ctl_fail(x, EX_USAGE, "--share %.*s: " RIGHTS_EXPECTED,
                            (int)one.text.len, one.text.ptr);
    }
    return 0;
}

int addition_check(struct context *x, const struct addition *a,
                   const struct users *u)
{
    const struct user *same = users_find(u, slice_from(a->name));
    int code;

    if (same)
        return ctl_fail(x, EX_DATAERR,
                        "%s:%zu: %s is there already; run: sallyportctl user "
                        "passwd %s",
                        x->settings.users, same->line, a->name, a->name);
    code = check_list(x, u, x->args.share, true);
    if (code == 0)
        code = check_list(x, u, x->args.team, false);
    return code ? code : fields_check(x, &a->f, u, NULL);
}

static int take_password(struct context *x, struct addition *a,
                         struct secret *password)
{
    int code;

    if (x->args.hash_stdin)
        return fields_take_hash(x, &a->f);
    code = password_take(x, password, a->name);
    if (code == 0 && hash_make(password, x->settings.hash_cost, a->f.hash))
        return ctl_fail(x, EX_OSERR, "crypt(3) made no hash");
    return code;
}

/* Uids. */

/* getpwuid(3): these mean that there is none. */
int nss_result(int error)
{
    switch (error) {
    case 0:
    case ENOENT:
    case ESRCH:
    case EBADF:
    case EPERM:
        return 0;
    default:
        return -error;
    }
}

int uid_is_of_system(uint64_t uid)
{
    errno = 0;
    return getpwuid((uid_t)uid) ? 1 : nss_result(errno);
}

int gid_is_of_system(uint64_t gid)
{
    errno = 0;
    return getgrgid((gid_t)gid) ? 1 : nss_result(errno);
}

int nss_fail(struct context *x, int result)
{
    return ctl_fail(x, EX_TEMPFAIL,
                    "the accounts and groups of the system couldn't be asked, "
                    "so no number was assigned: %s; see: getent passwd",
                    strerror(-result));
}

static bool is_in_range(const struct context *x, uint64_t uid)
{
    return uid >= x->settings.uid_first && uid <= x->settings.uid_last;
}

/* The gid is the same number, so no group of the system may have it either. The
 * directory of a row that is lost keeps its uid. */
static int uids_next(struct context *x, const struct spent *s, uint64_t *ret)
{
    uint64_t uid =
        s->last < x->settings.uid_first ? x->settings.uid_first : s->last + 1;
    int taken = 1;

    for (; uid <= x->settings.uid_last; uid++) {
        if (spent_has(s, uid) || known_owner(x, uid))
            continue;
        taken = uid_is_of_system(uid);
        if (taken == 0)
            taken = gid_is_of_system(uid);
        if (taken <= 0)
            break;
    }
    *ret = uid;
    return taken < 0 ? nss_fail(x, taken) : 0;
}

/* The file of spent uids is lost, or was never there: all up to the highest one
 * of a row count as spent, as long as others are left. */
static int spend_unknown(struct context *x, struct spent *s,
                         const struct users *u)
{
    uint64_t next;
    int code;

    for (size_t i = 0; i < u->count; i++)
        if (is_in_range(x, u->row[i].uid) && u->row[i].uid > s->last)
            s->last = u->row[i].uid;
    code = uids_next(x, s, &next);
    if (code == 0 && next > x->settings.uid_last)
        s->last = 0;
    return code;
}

int uids_choose(struct context *x, struct uids *u, uint64_t uid)
{
    if (!is_in_range(x, uid) || spent_has(&u->spent, uid))
        return 0;
    u->changed = true;
    return spent_choose(&u->spent, uid)
               ? 0
               : ctl_fail(x, EX_CONFIG,
                          "more than %d uids were chosen by hand; leave out "
                          "--uid",
                          SPENT_MAX);
}

int uids_open(struct context *x, struct uids *u, struct edit *e)
{
    int code = edit_spent(e, EDIT_LAST_UID, &u->spent);

    u->changed = code == 0 && u->spent.last == 0 && u->spent.count == 0;
    if (u->changed)
        code = spend_unknown(x, &u->spent, &e->users);
    for (size_t i = 0; i < e->users.count && code == 0; i++)
        code = uids_choose(x, u, e->users.row[i].uid);
    return code;
}

void uids_hint(const struct uids *u, struct slice name, uint64_t uid)
{
    if (spent_has(&u->spent, uid))
        fprintf(stderr,
                "sallyportctl: uid %llu may have been another user's; files "
                "of that user are now %.*s's\n",
                (unsigned long long)uid, (int)name.len, name.ptr);
}

int uids_assign(struct context *x, struct uids *u, struct slice name,
                uint64_t *uid, uint64_t *gid)
{
    int code = 0;

    if (*uid == 0) {
        uint64_t next;

        code = uids_next(x, &u->spent, &next);
        if (code)
            return code;
        *uid = next;
        if (next > x->settings.uid_last)
            return ctl_fail(x, EX_CONFIG,
                            "no uid is left up to %llu; give --uid N, the "
                            "number of a removed user whose files are gone, or "
                            "raise uid_last, but not to gid_first",
                            (unsigned long long)x->settings.uid_last);
        u->spent.last = *uid;
        u->changed = true;
    } else {
        uids_hint(u, name, *uid);
        code = uids_choose(x, u, *uid);
    }
    if (*gid == 0)
        *gid = *uid;
    return code;
}

int uids_record(struct uids *u, struct edit *e)
{
    return u->changed ? edit_record_spent(e, EDIT_LAST_UID, &u->spent) : 0;
}

int uids_spend(struct context *x, struct edit *e, uint64_t uid)
{
    struct uids u;
    int code = uids_open(x, &u, e);

    if (code == 0)
        code = uids_choose(x, &u, uid);
    return code ? code : uids_record(&u, e);
}

/* Adds each entry to a list of the new line. */
static int join_all(struct edit *e, const char *key, const char *list)
{
    struct slice rest = slice_from(list);
    struct list_entry one;
    int code = 0;

    while (code == 0 && entry_next(&rest, &one)) {
        char text[GRANT_TEXT_MAX];
        unsigned rights;

        code = entry_rights(&one, &rights)
                   ? EX_USAGE /* checked before */
                   : edit_set_entry(e, e->lines, key, one.name,
                                    grant_text(one.name, rights, text));
    }
    return code;
}

static int append_row(struct context *x, const struct addition *a,
                      struct edit *e)
{
    struct buf line;
    int code;

    buf_init(&line, USER_LINE_MAX);
    if (buf_add_format(&line, "%s:%s:%llu:%llu:%s:%s::", a->name, a->f.hash,
                       (unsigned long long)a->f.uid,
                       (unsigned long long)a->f.gid, a->f.comment, a->f.home) ||
        buf_add_slice(&line, a->options))
        code = ctl_fail(x, EX_DATAERR, "the user's line is too long");
    else
        code = edit_append(e, buf_slice(&line));
    buf_release(&line);
    return code;
}

int addition_put(struct context *x, struct addition *a, struct edit *e)
{
    int code = append_row(x, a, e);

    if (code)
        return code;
    code = fields_make(x, &a->f, e, NULL, &a->made);
    if (code)
        edit_remove(e, e->lines);
    return code;
}

static int user_add_spend_uid(struct context *x, struct addition *a,
                              struct edit *e)
{
    struct uids uids;
    int code = uids_open(x, &uids, e);

    if (code == 0)
        code = uids_assign(x, &uids, slice_from(a->name), &a->f.uid, &a->f.gid);
    if (code == 0) /* a uid isn't spent for a home that is refused */
        code = fields_check_make(x, &a->f, e);
    return code ? code : uids_record(&uids, e);
}

/* What the options say, in the new row. */
static int add_keys_and_lists(struct context *x, struct edit *e)
{
    int code = keys_set(x, e, e->lines);

    if (code == 0)
        code = join_all(e, "shares", x->args.share);
    return code ? code : join_all(e, "teams", x->args.team);
}

static int add_locked(struct context *x, struct edit *e, void *given)
{
    struct addition *a = given;
    int code = addition_check(x, a, &e->users);

    if (code == 0)
        code = user_add_spend_uid(x, a, e);
    if (code == 0)
        code = addition_put(x, a, e);
    if (code == 0)
        code = add_keys_and_lists(x, e);
    return code ? code : edit_commit(e);
}

/* Checks all before the password is asked for: no lock is held while somebody
 * types. */
int user_add(struct context *x)
{
    SECRET_CLEANUP struct secret password = { .len = 0 };
    char options[32], rights[16];
    struct addition a = { .name = NULL };
    int code = take_arguments(x, &a);

    if (code == 0)
        code = addition_check(x, &a, &x->users);
    if (code == 0)
        code = take_password(x, &a, &password);
    if (code)
        return code;
    if (a.f.uid == 0)
        known_ask_owners(x, a.f.home);
    snprintf(options, sizeof(options), "rights=%s",
             rights_text(a.f.rights, rights));
    a.options = slice_from(options);
    code = edit_run(x, add_locked, &a);
    fields_wipe(&a.f);
    if (code)
        return code;
    printf("user %s: uid %llu, home %s%s\n", a.name,
           (unsigned long long)a.f.uid, a.f.home,
           a.made ? "" : " (was there, kept)");
    password_show(x, &password);
    keys_hint(x);
    return 0;
}
