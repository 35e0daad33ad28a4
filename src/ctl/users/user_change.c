/* "user change", "passwd", "lock", "unlock" and "rename": changes of an
 * existing row. Each reads the file again under the lock and relies on nothing
 * that it read before. */
#include "edit/edit.h"

#include <errno.h>
#include <stdlib.h>

/* What a change does under the lock; GIVEN is the caller's data. */
typedef int change(struct context *x, struct edit *e, const struct user *user,
                   void *given);

struct user_change {
    change *make;
    void *given;
};

static int change_found(struct context *x, struct edit *e, void *given)
{
    const struct user_change *c = given;
    const struct user *user;
    int code = ctl_find(x, e->users, &user);

    return code ? code : c->make(x, e, user, c->given);
}

static int run_locked(struct context *x, change *make, void *given)
{
    struct user_change c = { make, given };

    return edit_run(x, change_found, &c);
}

/* A locked user stays locked. A user without a password ("!") becomes
 * active. */
static int put_hash(struct edit *e, const struct user *user, const char *hash)
{
    return edit_set_hash(e, user->line,
                         user->locked_by_hand && user->hash[0] == '$', hash);
}

static int set_hash(struct context *x, struct edit *e, const struct user *user,
                    void *given)
{
    bool locked = user->locked_by_hand && user->hash[0] == '$';
    int code = put_hash(e, user, given);

    if (code == 0 && (user->must_change || x->args.must_change))
        code = edit_set_key(e, user->line, "must_change",
                            x->args.must_change ? "yes" : NULL);
    if (code == 0)
        code = edit_commit(e);
    if (code == 0)
        printf("user %s: password set%s\n", x->args.word[2],
               locked ? "; still locked, see: sallyportctl user unlock" : "");
    return code;
}

int user_passwd(struct context *x)
{
    SECRET_CLEANUP struct secret password = { .len = 0 };
    const struct user *user;
    char hash[HASH_MAX];
    int code = ctl_find(x, &x->users, &user);

    if (code == 0)
        code = password_hash(x, &password, hash);
    if (code)
        return code;
    /* Before it counts: one that nobody sees would lock the user out. */
    password_show(x, &password);
    if (fflush(stdout) == EOF)
        code = ctl_fail(x, EX_IOERR, "standard output: %s; nothing has changed",
                        strerror(errno));
    if (code == 0)
        code = run_locked(x, set_hash, hash);
    explicit_bzero(hash, sizeof(hash));
    if (code == 0)
        given_hint(x);
    else if (!x->stands && x->args.print_password)
        stderr_print("the password above doesn't count");
    return code;
}

/* The gid follows the uid if both were equal. */
static int complete_ids(struct context *x, struct draft *d,
                        const struct user *user)
{
    uint64_t uid = row_get_number(&d->row, ROW_UID),
             gid = row_get_number(&d->row, ROW_GID);

    if (gid == 0)
        gid = uid != 0 && user->gid == user->uid ? uid : user->gid;
    return draft_set_ids(x, d, uid != 0 ? uid : user->uid, gid);
}

static int put_given(struct context *x, struct edit *e, const struct user *user,
                     const struct draft *d)
{
    const char *hash = d->row.column[ROW_HASH];
    struct row *row;
    int code = edit_row(e, user->line, &row);

    if (code == 0)
        code = given_set(x, row);
    if (code == 0)
        code = row_exit(row_set_column(row, ROW_GID, d->row.column[ROW_GID]),
                        &x->complaint);
    return code || !hash[0] ? code : put_hash(e, user, hash);
}

/* Files aren't moved and keep their owner: there may be very many. */
static void print_kept_files(const struct user *user, const struct row *now)
{
    const char *home = now->column[ROW_HOME];

    if (home[0] && strcmp(home, user->home) != 0)
        fprintf(stderr, "sallyportctl: the files stay in %s; move them to %s\n",
                user->home, home);
    if (row_get_number(now, ROW_UID) != user->uid ||
        row_get_number(now, ROW_GID) != user->gid)
        fprintf(stderr,
                "sallyportctl: the files there belong to %u:%u; run: chown -Rh "
                "%s:%s %s\n",
                (unsigned)user->uid, (unsigned)user->gid, now->column[ROW_UID],
                now->column[ROW_GID], home[0] ? home : user->home);
}

/* The files still have the old one. */
static int spend_both_uids(struct context *x, struct edit *e,
                           const struct user *user, uint64_t uid)
{
    struct uids uids;
    int code = uids_open(x, &uids, e);

    if (code == 0 && uid != user->uid)
        uids_hint(&uids, slice_from(user->name), uid);
    if (code == 0)
        code = uids_spend(x, e, user->uid);
    return code ? code : uids_spend(x, e, uid);
}

static int change_row(struct context *x, struct edit *e,
                      const struct user *user, void *given)
{
    struct draft *d = given;
    int code = draft_check(x, d, e->users, user);

    if (code == 0)
        code = complete_ids(x, d, user);
    if (code == 0)
        code = draft_check_make(x, d, e);
    if (code == 0)
        code = spend_both_uids(x, e, user, row_get_number(&d->row, ROW_UID));
    if (code == 0)
        code = draft_make(x, d, e, user->home);
    if (code == 0)
        code = put_given(x, e, user, d);
    if (code == 0)
        code = edit_commit(e);
    if (code == 0) {
        printf("user %s: changed\n", x->args.word[2]);
        print_kept_files(user, &d->row);
    }
    return code;
}

/* A group of the system that works in the old home does so in the new one
 * (--local-group). */
static void take_local_group(const struct context *x, const struct user *user,
                             struct draft *d)
{
    const struct known *old =
        x->args.home ? known_of(x, user->home) : NULL; /* asked by the check */

    if (!old || !old->directory || old->uid != user->uid ||
        old->gid == user->gid || old->gid < SHARE_GID_MIN ||
        !(old->mode & S_IRWXG))
        return;
    d->local_gid = old->gid;
    d->local_mode = old->mode;
}

static int change_user(struct context *x, struct draft *d)
{
    const struct slice name = slice_from(x->args.word[2]);
    const struct user *user;
    uid_t uid = 0;
    int code = given_any(x);

    if (code == 0)
        code = given_set(x, &d->row);
    if (code == 0)
        code = given_ids_free(x);
    if (code == 0)
        code = ctl_find(x, &x->users, &user);
    if (code == 0)
        code = draft_check(x, d, &x->users, user);
    if (code == 0) {
        uid = user->uid;
        take_local_group(x, user, d);
        code = given_hash(x, &d->row);
    }
    if (code == 0)
        code = run_locked(x, change_row, d);
    /* These ask systemd, and disks: not under the lock. */
    if (code == 0 && (x->args.home || x->args.uid))
        quota_follow(x, &name, &uid, 1);
    if (code == 0)
        given_hint(x);
    return code;
}

int user_change(struct context *x)
{
    struct draft d;
    int code = draft_begin(x, &d, x->args.word[2]);

    if (code == 0)
        code = change_user(x, &d);
    draft_end(&d);
    return code;
}

/* "lock" and "unlock": each name of the command line, in one edit. If one is
 * refused, nothing changes. */

struct locking {
    bool lock, changes;
};

static int set_lock(struct context *x, struct edit *e, const struct user *user,
                    struct locking *l)
{
    const bool active = user->hash[0] == '$';

    if (!l->lock && user->locked && !active)
        return ctl_fail(x, EX_DATAERR,
                        "%s has no password; run: sallyportctl user passwd %s",
                        user->name, user->name);
    if (user->locked_by_hand == l->lock)
        return 0;
    l->changes = true;
    return edit_set_hash(e, user->line, l->lock, active ? user->hash : "");
}

/* The lock of a source ends when the source says so. */
static int refuse_unlock(const struct user *user)
{
    struct user_sync sync;

    user_sync_parse(user->sync, &sync);
    stderr_print("%s stays locked: its source %.*s %s; to keep the user "
                 "without it run: sallyportctl user change %s --sync default",
                 user->name, (int)sync.name.len, sync.name.ptr,
                 sync.marks & SYNC_GONE ? "doesn't have the user any more"
                                        : "has locked the user",
                 user->name);
    return EX_DATAERR;
}

static int print_locked(const struct user *user, const struct locking *l)
{
    if (l->lock)
        printf("user %s: %slocked\n", user->name,
               user->locked_by_hand ? "was already " : "");
    else if (user_sync_closed(user))
        return refuse_unlock(user);
    else
        printf("user %s: %s\n", user->name,
               user->locked ? "unlocked" : "was not locked");
    return 0;
}

static int lock_each(struct context *x, struct edit *e, void *given)
{
    struct locking *l = given;
    const struct user *user;
    int code = 0, refused = 0;

    for (size_t i = 2; i < x->args.words && code == 0; i++) {
        user = users_find(e->users, slice_from(x->args.word[i]));
        code = user ? set_lock(x, e, user, l)
                    : ctl_missing(x, "user", slice_from(x->args.word[i]));
    }
    if (code == 0 && l->changes)
        code = edit_commit(e);
    for (size_t i = 2; i < x->args.words && code == 0; i++)
        refused |=
            print_locked(users_find(e->users, slice_from(x->args.word[i])), l);
    return code ? code : refused;
}

/* The caller wants somebody out now. These need no users file. */
int user_lock(struct context *x)
{
    const bool one = x->args.words == 3;
    struct locking l = { .lock = true };
    char *why = x->complaint.text;
    int code = edit_run(x, lock_each, &l);
    size_t n = strlen(why);

    if (code == EX_DATAERR)
        snprintf(
            why + n, COMPLAINT_MAX - n,
            "; %s%s locked; to end the sessions now run: sallyportctl "
            "kick %s; to keep an address out: sallyportctl ban add ADDRESS",
            one ? x->args.word[2] : "nobody", one ? " is not" : " is",
            one ? x->args.word[2] : "USER");
    return code;
}

int user_unlock(struct context *x)
{
    struct locking l = { .lock = false };

    return edit_run(x, lock_each, &l);
}

/* The home stays where it is: sessions may run in it, and paths of local
 * programs lead to it. The names of unfinished uploads come from the user's
 * name, so nobody finds them again; they expire. */
static int rename_row(struct context *x, struct edit *e,
                      const struct user *user, void *given)
{
    const char *name = x->args.word[3];
    const struct user *same = users_find(e->users, slice_from(name));
    int code = sessions_name_check(x, name);

    (void)given;
    if (code)
        return code;
    if (same)
        return ctl_fail(x, EX_DATAERR, "%s:%zu: %s is there already",
                        x->settings.users, same->line, name);
    code = edit_set_column(e, user->line, ROW_NAME, name);
    if (code == 0)
        code = edit_commit(e);
    if (code == 0)
        printf("user %s: is now %s; the home stays %s; unfinished uploads "
               "can't be resumed, see: sallyportctl partials list %s\n",
               user->name, name, user->home, name);
    return code;
}

int user_rename(struct context *x)
{
    return run_locked(x, rename_row, NULL);
}
