/* "user change", "passwd", "lock", "unlock" and "del": changes of a row that is
 * there. Each reads the file again under the lock; what was seen before it
 * counts for nothing. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/hash/hash.h"

#include "ctl.h"
#include "edit.h"
#include "home.h"
#include "keys.h"
#include "password.h"

/* What a change does under the lock; HASH is passwd's. */
typedef int change(struct context *x, struct edit *e, const struct user *user,
                   const char *hash);

static int run_locked(struct context *x, change *make, const char *hash)
{
    const struct user *user;
    struct edit e;
    int code = edit_open(&e, x->settings.users, CTL_LOCK_MS, &x->complaint);

    if (code == 0)
        code = ctl_find(x, &e.users, &user);
    if (code == 0)
        code = make(x, &e, user, hash);
    edit_release(&e);
    return code;
}

static int set_hash(struct context *x, struct edit *e, const struct user *user,
                    const char *hash)
{
    char text[HASH_MAX + 1];
    bool locked = user->locked && user->hash[0] == '$';
    int code;

    snprintf(text, sizeof(text), "%s%s", locked ? "!" : "", hash);
    code = edit_set_hash(e, user, text);
    if (code == 0)
        code = edit_commit(e);
    if (code == 0)
        printf("user %s: password set%s\n", x->args.word[2],
               locked ? "; still locked, see: sallyportctl user unlock" : "");
    explicit_bzero(text, sizeof(text));
    return code;
}

/* Before the password is asked for. */
static int check_early(struct context *x)
{
    const struct user *user;
    struct users u;
    int code = users_load(&u, x->settings.users, &x->complaint);

    if (code == 0)
        code = ctl_find(x, &u, &user);
    users_release(&u);
    return code;
}

int user_passwd(struct context *x)
{
    SECRET_CLEANUP struct secret password;
    char hash[HASH_MAX];
    int code = check_early(x);

    if (code == 0)
        code = password_read(&password, x->args.word[2], &x->complaint);
    if (code)
        return code;
    if (hash_make(&password, hash))
        return ctl_fail(x, EX_OSERR, "crypt(3) made no hash");
    code = run_locked(x, set_hash, hash);
    explicit_bzero(hash, sizeof(hash));
    return code;
}

static int change_row(struct context *x, struct edit *e,
                      const struct user *user, const char *hash)
{
    int code = keys_set(x, e, user);

    (void)hash;
    if (code == 0)
        code = edit_commit(e);
    if (code == 0)
        printf("user %s: changed\n", x->args.word[2]);
    if (code == 0)
        keys_hint(x);
    return code;
}

int user_change(struct context *x)
{
    int code = keys_check(x);

    return code ? code : run_locked(x, change_row, NULL);
}

static int lock_row(struct context *x, struct edit *e, const struct user *user,
                    const char *hash)
{
    char text[USER_HASH_MAX + 2];
    int code = 0;

    (void)hash;
    if (!user->locked) {
        snprintf(text, sizeof(text), "!%s", user->hash);
        code = edit_set_hash(e, user, text);
        if (code == 0)
            code = edit_commit(e);
    }
    if (code == 0)
        printf("user %s: %slocked\n", x->args.word[2],
               user->locked ? "was already " : "");
    return code;
}

int user_lock(struct context *x)
{
    return run_locked(x, lock_row, NULL);
}

static int unlock_row(struct context *x, struct edit *e,
                      const struct user *user, const char *hash)
{
    const char *name = x->args.word[2];
    int code = 0;

    (void)hash;
    if (user->locked && user->hash[0] != '$')
        return ctl_fail(x, EX_DATAERR,
                        "%s has no password; run: sallyportctl user passwd %s",
                        name, name);
    if (user->locked) {
        code = edit_set_hash(e, user, user->hash);
        if (code == 0)
            code = edit_commit(e);
    }
    if (code == 0)
        printf("user %s: %s\n", name,
               user->locked ? "unlocked" : "was not locked");
    return code;
}

int user_unlock(struct context *x)
{
    return run_locked(x, unlock_row, NULL);
}

/* Nobody else's home may be, hold or lie in the one to be removed. */
static int check_alone(struct context *x, const struct users *u,
                       const struct user *user, const char *home)
{
    char other[USER_HOME_MAX + 1];

    for (size_t i = 0; i < u->count; i++) {
        const struct user *row = &u->row[i];

        if (row == user ||
            home_tidy(slice_from(row->home), other, sizeof(other)))
            continue;
        if (home_beneath(other, home) || home_beneath(home, other))
            return ctl_fail(x, EX_DATAERR,
                            "%s is also the home of %s; run it without --purge",
                            home, row->name);
    }
    return 0;
}

static int confirm(struct context *x, const char *home)
{
    char question[SETTINGS_PATH_MAX + 64];

    if (x->args.yes)
        return 0;
    snprintf(question, sizeof(question), "Remove %s and all in it? [y/N] ",
             home);
    if (terminal_confirm(question))
        return 0;
    return ctl_fail(x, EX_USAGE,
                    "nothing was removed; to remove %s without being asked "
                    "give --yes",
                    home);
}

/* So that "user add" never gives out the uid of a row that was written by hand:
 * files of that user may be left. */
static int spend_uid(struct context *x, struct edit *e, const struct user *user)
{
    uint64_t last = 0;
    int code;

    if (user->uid < x->settings.uid_first || user->uid > x->settings.uid_last)
        return 0;
    code = edit_last_uid(e, &last);
    return code || user->uid <= last ? code : edit_set_last_uid(e, user->uid);
}

static int remove_row(struct context *x, struct edit *e,
                      const struct user *user, const char *hash)
{
    char home[USER_HOME_MAX + 1], homes[SETTINGS_PATH_MAX];
    int code = 0;

    (void)hash;
    if (home_tidy(slice_from(user->home), home, sizeof(home)) ||
        home_tidy(slice_from(x->settings.homes), homes, sizeof(homes)))
        return ctl_fail(x, EX_DATAERR, "the home's path is too long");
    if (x->args.purge)
        code = check_alone(x, &e->users, user, home);
    if (code == 0)
        code = spend_uid(x, e, user);
    if (code == 0)
        code = edit_remove(e, user);
    if (code == 0)
        code = edit_commit(e);
    if (code == 0 && x->args.purge) /* the row first: nobody logs in now */
        code = home_purge(home, homes, user->uid, &x->complaint);
    if (code == 0)
        printf("user %s: removed; home %s %s\n", x->args.word[2], home,
               x->args.purge ? "removed" : "kept");
    return code;
}

/* Asked before the lock is taken, of the home that stands there now. */
static int confirm_early(struct context *x)
{
    const struct user *user;
    struct users u;
    int code = users_load(&u, x->settings.users, &x->complaint);

    if (code == 0)
        code = ctl_find(x, &u, &user);
    if (code == 0)
        code = confirm(x, user->home);
    users_release(&u);
    return code;
}

int user_del(struct context *x)
{
    int code = 0;

    if (x->args.yes && !x->args.purge)
        return ctl_fail(x, EX_USAGE, "--yes goes with --purge");
    if (x->args.purge)
        code = confirm_early(x);
    return code ? code : run_locked(x, remove_row, NULL);
}
