/* "user change", "passwd", "lock", "unlock" and "rename": changes of an
 * existing row. Each reads the file again under the lock and relies on nothing
 * that it read before. */
#include "known.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/hash/hash.h"

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
    int code = ctl_find(x, &e->users, &user);

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
    char text[USER_HASH_MAX + 2];
    bool locked = user->locked_by_hand && user->hash[0] == '$';
    int code;

    snprintf(text, sizeof(text), "%s%s", locked ? "!" : "", hash);
    code = edit_set_column(e, user->line, EDIT_HASH, text);
    explicit_bzero(text, sizeof(text));
    return code;
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
        code = password_take(x, &password, x->args.word[2]);
    if (code)
        return code;
    if (hash_make(&password, x->settings.hash_cost, hash))
        return ctl_fail(x, EX_OSERR, "crypt(3) made no hash");
    /* Before it counts: one that nobody sees would lock the user out. */
    password_show(x, &password);
    if (fflush(stdout) == EOF)
        code = ctl_fail(x, EX_IOERR, "standard output: %s; nothing has changed",
                        strerror(errno));
    if (code == 0)
        code = run_locked(x, set_hash, hash);
    explicit_bzero(hash, sizeof(hash));
    if (code == 0)
        keys_hint(x);
    else if (!x->stands && x->args.print_password)
        stderr_print("the password above doesn't count");
    return code;
}

/* The gid follows the uid if both were equal. */
static void complete_gid(struct fields *f, const struct user *user)
{
    if (f->gid == 0)
        f->gid = f->uid != 0 && user->gid == user->uid ? f->uid : user->gid;
    if (f->uid == 0)
        f->uid = user->uid;
}

static int set_number(struct edit *e, const struct user *user,
                      enum edit_column column, uint64_t number)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    return edit_set_column(e, user->line, column, text);
}

static int set_columns(struct edit *e, const struct user *user,
                       const struct fields *f)
{
    char rights[16];
    int code = set_number(e, user, EDIT_UID, f->uid);

    if (code == 0)
        code = set_number(e, user, EDIT_GID, f->gid);
    if (code == 0 && f->hash[0])
        code = put_hash(e, user, f->hash);
    if (code == 0 && f->comment)
        code = edit_set_column(e, user->line, EDIT_COMMENT, f->comment);
    if (code == 0 && f->home[0])
        code = edit_set_column(e, user->line, EDIT_HOME, f->home);
    if (code == 0 && f->rights)
        code = edit_set_key(e, user->line, "rights",
                            rights_text(f->rights, rights));
    return code;
}

/* Files aren't moved and keep their owner: there may be very many. */
static void print_kept_files(const struct user *user, const struct fields *f)
{
    const char *home = f->home[0] ? f->home : user->home;

    if (f->home[0] && strcmp(f->home, user->home) != 0)
        fprintf(stderr, "sallyportctl: the files stay in %s; move them to %s\n",
                user->home, f->home);
    if (f->uid != user->uid || f->gid != user->gid)
        fprintf(stderr,
                "sallyportctl: the files there belong to %u:%u; run: chown -Rh "
                "%llu:%llu %s\n",
                (unsigned)user->uid, (unsigned)user->gid,
                (unsigned long long)f->uid, (unsigned long long)f->gid, home);
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
    struct fields f = *(struct fields *)given;
    bool made = false;
    int code = fields_check(x, &f, &e->users, user);

    complete_gid(&f, user);
    if (code == 0)
        code = fields_check_make(x, &f, e);
    if (code == 0)
        code = spend_both_uids(x, e, user, f.uid);
    if (code == 0)
        code = fields_make(x, &f, e, user->home, &made);
    if (code == 0)
        code = set_columns(e, user, &f);
    if (code == 0)
        code = keys_set(x, e, user->line);
    if (code == 0)
        code = edit_commit(e);
    if (code == 0) {
        printf("user %s: changed\n", x->args.word[2]);
        print_kept_files(user, &f);
    }
    fields_wipe(&f);
    return code;
}

/* A group of the system that works in the old home does so in the new one
 * (--local-group). */
static void take_local_group(const struct context *x, const struct user *user,
                             struct fields *f)
{
    const struct known *old =
        f->home[0] ? known_of(x, user->home) : NULL; /* asked by the check */

    if (!old || !old->directory || old->uid != user->uid ||
        old->gid == user->gid || old->gid < SHARE_GID_MIN ||
        !(old->mode & S_IRWXG))
        return;
    f->local_gid = old->gid;
    f->local_mode = old->mode;
}

int user_change(struct context *x)
{
    struct fields f = { .comment = NULL };
    const struct user *user;
    uid_t uid = 0;
    int code = keys_check_change(x);

    if (code == 0)
        code = fields_take(x, &f);
    if (code == 0)
        code = ctl_find(x, &x->users, &user);
    if (code == 0)
        code = fields_check(x, &f, &x->users, user);
    if (code == 0) {
        uid = user->uid;
        take_local_group(x, user, &f);
        code = fields_take_hash(x, &f);
    }
    if (code == 0)
        code = run_locked(x, change_row, &f);
    /* These ask systemd, and disks: not under the lock. */
    if (code == 0 && (f.home[0] || f.uid != 0)) {
        const struct slice name = slice_from(x->args.word[2]);

        quota_follow(x, &name, &uid, 1);
    }
    fields_wipe(&f);
    if (code == 0)
        keys_hint(x);
    return code;
}

static int lock_row(struct context *x, struct edit *e, const struct user *user,
                    void *given)
{
    char text[USER_HASH_MAX + 2];
    int code = 0;

    (void)given;
    if (!user->locked_by_hand) {
        snprintf(text, sizeof(text), "!%s",
                 user->hash[0] == '$' ? user->hash : "");
        code = edit_set_column(e, user->line, EDIT_HASH, text);
        explicit_bzero(text, sizeof(text));
        if (code == 0)
            code = edit_commit(e);
    }
    if (code == 0)
        printf("user %s: %slocked\n", x->args.word[2],
               user->locked_by_hand ? "was already " : "");
    return code;
}

/* The caller wants somebody out now. These need no users file. */
int user_lock(struct context *x)
{
    const char *name = x->args.word[2];
    char *why = x->complaint.text;
    int code = run_locked(x, lock_row, NULL);
    size_t n = strlen(why);

    if (code == EX_DATAERR)
        snprintf(why + n, COMPLAINT_MAX - n,
                 "; %s is not locked; to end the sessions now run: "
                 "sallyportctl kick %s; to keep an address out: sallyportctl "
                 "ban add ADDRESS",
                 name, name);
    return code;
}

/* The lock of a source ends when the source says so. */
static int refuse_unlock(struct context *x, const struct user *user)
{
    const char *name = x->args.word[2];
    struct user_sync sync;

    user_sync_parse(user->sync, &sync);
    return ctl_fail(x, EX_DATAERR,
                    "%s stays locked: its source %.*s %s; to keep the user "
                    "without it run: sallyportctl user change %s --sync "
                    "default",
                    name, (int)sync.name.len, sync.name.ptr,
                    sync.marks & SYNC_GONE ? "doesn't have the user any more"
                                           : "has locked the user",
                    name);
}

static int unlock_row(struct context *x, struct edit *e,
                      const struct user *user, void *given)
{
    const char *name = x->args.word[2];
    int code = 0;

    (void)given;
    if (user->locked && user->hash[0] != '$')
        return ctl_fail(x, EX_DATAERR,
                        "%s has no password; run: sallyportctl user passwd %s",
                        name, name);
    if (user->locked_by_hand) {
        code = edit_set_column(e, user->line, EDIT_HASH, user->hash);
        if (code == 0)
            code = edit_commit(e);
    }
    if (code == 0 && user_sync_closed(user))
        return refuse_unlock(x, user);
    if (code == 0)
        printf("user %s: %s\n", name,
               user->locked ? "unlocked" : "was not locked");
    return code;
}

int user_unlock(struct context *x)
{
    return run_locked(x, unlock_row, NULL);
}

/* The home stays where it is: sessions may run in it, and paths of local
 * programs lead to it. The names of unfinished uploads come from the user's
 * name, so nobody finds them again; they expire. */
static int rename_row(struct context *x, struct edit *e,
                      const struct user *user, void *given)
{
    const char *name = x->args.word[3];
    const struct user *same = users_find(&e->users, slice_from(name));
    int code;

    (void)given;
    if (same)
        return ctl_fail(x, EX_DATAERR, "%s:%zu: %s is there already",
                        x->settings.users, same->line, name);
    code = edit_set_column(e, user->line, EDIT_NAME, name);
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
