/* "user add": a row in the users file, and a home. The uid is recorded as used
 * before anything else is written, so that it is never assigned twice. */
#include "ctl.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/hash/hash.h"

/* The new user, before and under the lock. */
struct addition {
    const char *name;
    struct fields f;
};

static int take_arguments(struct context *x, struct addition *a)
{
    char home[SETTINGS_PATH_MAX + USER_NAME_MAX + 2];
    int code = keys_check(x);

    a->name = x->args.word[2];
    a->f.rights = RIGHT_ALL;
    if (code == 0)
        code = fields_take(x, &a->f);
    if (!a->f.comment)
        a->f.comment = "";
    if (code || x->args.home)
        return code;
    snprintf(home, sizeof(home), "%s/%s", x->settings.homes, a->name);
    return fields_take_home(x, &a->f, home);
}

/* Checks name, uid and home against the existing rows. */
static int check_rows(struct context *x, const struct addition *a,
                      const struct users *u)
{
    const struct user *same = users_find(u, slice_from(a->name));

    if (same)
        return ctl_fail(x, EX_DATAERR,
                        "%s:%zu: %s is there already; run: sallyportctl user "
                        "passwd %s",
                        x->settings.users, same->line, a->name, a->name);
    return fields_check(x, &a->f, u, NULL);
}

/* Checks all before the password is asked for: no lock is held while somebody
 * types. */
static int user_add_check(struct context *x, const struct addition *a)
{
    struct users u;
    int code = edit_load_users(&u, x->settings.users, NULL, &x->complaint);

    if (code == 0)
        code = check_rows(x, a, &u);
    users_release(&u);
    return code;
}

static int take_password(struct context *x, struct addition *a)
{
    SECRET_CLEANUP struct secret password;
    int code;

    if (x->args.hash_stdin)
        return fields_take_hash(x, &a->f);
    code = password_read(&password, a->name, &x->complaint);
    if (code == 0 && hash_make(&password, a->f.hash))
        return ctl_fail(x, EX_OSERR, "crypt(3) made no hash");
    return code;
}

static uint64_t highest_in_range(const struct context *x, const struct users *u)
{
    uint64_t highest = x->settings.uid_first - 1;

    for (size_t i = 0; i < u->count; i++)
        if (u->row[i].uid > highest && u->row[i].uid <= x->settings.uid_last)
            highest = u->row[i].uid;
    return highest;
}

/* Records the uid as used, forever. */
static int user_add_spend_uid(struct context *x, struct addition *a,
                              struct edit *e)
{
    uint64_t last = 0, highest = highest_in_range(x, &e->users);
    int code = edit_last_uid(e, &last);

    if (code)
        return code;
    if (a->f.uid == 0)
        a->f.uid = (last > highest ? last : highest) + 1;
    else if (a->f.uid <= last)
        fprintf(stderr,
                "sallyportctl: uid %llu may have been another user's; files "
                "of that user are now %s's\n",
                (unsigned long long)a->f.uid, a->name);
    if (a->f.uid > x->settings.uid_last)
        return ctl_fail(x, EX_CONFIG,
                        "no uid is left up to %llu; raise uid_last, or give "
                        "--uid N",
                        (unsigned long long)x->settings.uid_last);
    if (a->f.gid == 0)
        a->f.gid = a->f.uid;
    return a->f.uid > last ? edit_set_last_uid(e, a->f.uid) : 0;
}

static int append_row(struct context *x, const struct addition *a,
                      struct edit *e)
{
    char rights[16], keys[KEYS_TEXT_MAX];
    struct buf line;
    int code;

    keys_text(x, keys);
    buf_init(&line, USER_LINE_MAX);
    if (buf_add_format(&line, "%s:%s:%llu:%llu:%s:%s::rights=%s%s", a->name,
                       a->f.hash, (unsigned long long)a->f.uid,
                       (unsigned long long)a->f.gid, a->f.comment, a->f.home,
                       rights_text(a->f.rights, rights), keys))
        code = ctl_fail(x, EX_DATAERR, "the user's line is too long");
    else
        code = edit_append(e, buf_slice(&line));
    if (code == 0)
        code = edit_commit(e);
    buf_release(&line);
    return code;
}

static int add_locked(struct context *x, struct addition *a, struct edit *e)
{
    bool made = false;
    int code = check_rows(x, a, &e->users);

    if (code == 0)
        code = user_add_spend_uid(x, a, e);
    if (code == 0)
        code = home_make(a->f.home, a->f.homes, (uid_t)a->f.uid,
                         (gid_t)a->f.gid, fields_may_own(x, &a->f, &e->users),
                         &made, &x->complaint);
    if (code)
        return code;
    code = append_row(x, a, e);
    if (code == 0)
        printf("user %s: uid %llu, home %s%s\n", a->name,
               (unsigned long long)a->f.uid, a->f.home,
               made ? "" : " (was there, kept)");
    else if (made && !e->stands)
        home_unmake(a->f.home);
    return code;
}

int user_add(struct context *x)
{
    struct addition a = { .name = NULL };
    struct edit e;
    int code = take_arguments(x, &a);

    if (code == 0)
        code = user_add_check(x, &a);
    if (code == 0)
        code = take_password(x, &a);
    if (code)
        return code;
    code = edit_open(&e, x->settings.users, CTL_LOCK_MS, &x->complaint);
    if (code == 0)
        code = add_locked(x, &a, &e);
    edit_release(&e);
    fields_wipe(&a.f);
    if (code == 0)
        keys_hint(x);
    return code;
}
