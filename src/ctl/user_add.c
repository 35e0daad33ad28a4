/* "user add": a row in the users file and a home. The uid is noted as used
 * before anything else is written, so that none is ever given out twice. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/hash/hash.h"

#include "ctl.h"
#include "edit.h"
#include "home.h"
#include "keys.h"
#include "password.h"

/* The user to be, before and under the lock. */
struct addition {
    const char *name, *comment;
    char home[USER_HOME_MAX + 1], homes[SETTINGS_PATH_MAX];
    char hash[HASH_MAX];
    unsigned rights;
    uint64_t uid; /* 0: the next free one */
};

static int take_rights(struct context *x, struct addition *a)
{
    struct slice role = slice_from(x->args.role ? x->args.role : "full");

    if (rights_parse(role, &a->rights) == 0)
        return 0;
    return ctl_fail(x, EX_USAGE, "--role %s: %s", x->args.role,
                    rights_why_not(role));
}

static int take_uid(struct context *x, struct addition *a)
{
    const struct settings *s = &x->settings;

    if (!x->args.uid)
        return 0;
    if (slice_number(slice_from(x->args.uid), s->uid_last, &a->uid) ||
        a->uid < s->uid_first)
        return ctl_fail(x, EX_USAGE,
                        "--uid %s: use a number from %llu to %llu (uid_first, "
                        "uid_last)",
                        x->args.uid, (unsigned long long)s->uid_first,
                        (unsigned long long)s->uid_last);
    return 0;
}

static int take_home(struct context *x, struct addition *a)
{
    char text[SETTINGS_PATH_MAX + USER_NAME_MAX + 2];
    const char *home = x->args.home ? x->args.home : text;

    snprintf(text, sizeof(text), "%s/%s", x->settings.homes, a->name);
    if (!user_home_ok(slice_from(home)) ||
        home_tidy(slice_from(home), a->home, sizeof(a->home)) ||
        home_tidy(slice_from(x->settings.homes), a->homes, sizeof(a->homes)))
        return ctl_fail(x, EX_USAGE,
                        "home %s: use an absolute path without . and ..", home);
    if (geteuid() != 0 && !home_beneath(a->home, a->homes))
        return ctl_fail(x, EX_USAGE,
                        "home %s: without root it must lie beneath %s", a->home,
                        a->homes);
    return 0;
}

static int take_arguments(struct context *x, struct addition *a)
{
    int code;

    a->name = x->args.word[2];
    a->comment = x->args.comment ? x->args.comment : "";
    if (!user_comment_ok(slice_from(a->comment)))
        return ctl_fail(x, EX_USAGE,
                        "--comment: at most 255 bytes, no ':', no line end");
    code = keys_check(x);
    if (code == 0)
        code = take_rights(x, a);
    if (code == 0)
        code = take_uid(x, a);
    return code ? code : take_home(x, a);
}

static bool overlaps(const char *home, const char *other)
{
    char tidy[USER_HOME_MAX + 1];

    if (home_tidy(slice_from(other), tidy, sizeof(tidy)))
        return false;
    return home_beneath(home, tidy) || home_beneath(tidy, home);
}

/* Against the rows that are there: name, uid, and a home of its own. */
static int check_rows(struct context *x, const struct addition *a,
                      const struct users *u)
{
    for (size_t i = 0; i < u->count; i++) {
        const struct user *row = &u->row[i];

        if (!strcmp(row->name, a->name))
            return ctl_fail(x, EX_DATAERR,
                            "%s:%zu: %s is there already; run: sallyportctl "
                            "user passwd %s",
                            x->settings.users, row->line, a->name, a->name);
        if (a->uid != 0 && row->uid == a->uid)
            return ctl_fail(
                x, EX_DATAERR, "%s:%zu: uid %u belongs to %s; leave out --uid",
                x->settings.users, row->line, (unsigned)row->uid, row->name);
        if (overlaps(a->home, row->home))
            return ctl_fail(x, EX_DATAERR,
                            "%s:%zu: home %s overlaps that of %s; give --home "
                            "DIR",
                            x->settings.users, row->line, a->home, row->name);
    }
    return 0;
}

/* Before the password is asked for: no lock is held while somebody types. */
static int check_early(struct context *x, const struct addition *a)
{
    struct users u;
    int code = users_load(&u, x->settings.users, &x->complaint);

    if (code == 0)
        code = check_rows(x, a, &u);
    users_release(&u);
    return code;
}

static int take_password(struct context *x, struct addition *a)
{
    SECRET_CLEANUP struct secret password;
    int code = password_read(&password, a->name, &x->complaint);

    if (code == 0 && hash_make(&password, a->hash))
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

/* Takes a uid for good. */
static int spend_uid(struct context *x, struct addition *a, struct edit *e)
{
    uint64_t last = 0, highest = highest_in_range(x, &e->users);
    int code = edit_last_uid(e, &last);

    if (code)
        return code;
    if (a->uid == 0)
        a->uid = (last > highest ? last : highest) + 1;
    else if (a->uid <= last)
        fprintf(stderr,
                "sallyportctl: uid %llu may have been another user's; files "
                "of that user are now %s's\n",
                (unsigned long long)a->uid, a->name);
    if (a->uid > x->settings.uid_last)
        return ctl_fail(x, EX_CONFIG,
                        "no uid is left up to %llu; raise uid_last, or give "
                        "--uid N",
                        (unsigned long long)x->settings.uid_last);
    return a->uid > last ? edit_set_last_uid(e, a->uid) : 0;
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
                       a->hash, (unsigned long long)a->uid,
                       (unsigned long long)a->uid, a->comment, a->home,
                       rights_text(a->rights, rights), keys))
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
        code = spend_uid(x, a, e);
    if (code == 0)
        code = home_make(a->home, a->homes, (uid_t)a->uid, (gid_t)a->uid, &made,
                         &x->complaint);
    if (code)
        return code;
    code = append_row(x, a, e);
    if (code == 0)
        printf("user %s: uid %llu, home %s%s\n", a->name,
               (unsigned long long)a->uid, a->home,
               made ? "" : " (was there, kept)");
    else if (made)
        home_unmake(a->home);
    return code;
}

int user_add(struct context *x)
{
    struct addition a = { .uid = 0 };
    struct edit e;
    int code = take_arguments(x, &a);

    if (code == 0)
        code = check_early(x, &a);
    if (code == 0)
        code = take_password(x, &a);
    if (code)
        return code;
    code = edit_open(&e, x->settings.users, CTL_LOCK_MS, &x->complaint);
    if (code == 0)
        code = add_locked(x, &a, &e);
    edit_release(&e);
    explicit_bzero(a.hash, sizeof(a.hash));
    if (code == 0)
        keys_hint(x);
    return code;
}
