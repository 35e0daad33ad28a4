/* "user change", "passwd", "lock" and "unlock": changes of an existing row.
 * Each command reads the file again under the lock, and decides by what it
 * reads then. */
#include "edit/edit.h"
#include "uploads/search.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

/* Removes MARKS from the key sync= of the row, since the source takes back only
 * what it has given. With --sync of the same source, the other marks stay. With
 * --sync of another source, only the marks of a lock stay, so that nobody is
 * unlocked. */
static void forget_given(const struct user *user, unsigned marks)
{
    const char *to = ctl.args.sync;
    struct user_sync sync;

    if (user_sync_parse(user->sync, &sync) ||
        (to ? strcmp(to, NONE) == 0 : !(sync.marks & marks)))
        return;
    if (to && !slice_equal(sync.name, slice_from(to)))
        sync = (struct user_sync){ slice_from(to), sync.marks & SYNC_CLOSED };
    user_set_sync(edit_row(user->line), sync.name, sync.marks & ~marks);
}

/* Sets the hash. A locked user stays locked. */
static void put_hash(const struct user *user, const char *hash)
{
    row_set_hash(edit_row(user->line), user->locked_by_hand, hash);
}

static bool stays_locked;

static void set_hash(void *hash)
{
    const struct user *user = user_named(edit_users);

    stays_locked = user->locked_by_hand || user_sync_closed(user);
    put_hash(user, hash);
    forget_given(user, SYNC_HASH);
    if (user->must_change || ctl.args.must_change)
        row_set(edit_row(user->line), "must_change",
                ctl.args.must_change ? "yes" : NULL);
}

void user_passwd(void)
{
    SECRET_CLEANUP struct secret password = { .len = 0 };
    char hash[HASH_MAX];

    user_named(&ctl.users);
    password_hash(&password, hash);
    password_show(&password);
    edit_run(set_hash, hash);
    explicit_bzero(hash, sizeof(hash));
    output_done("user", ctl.args.word[2],
                json_pack("{s:b}", "locked", stays_locked),
                stays_locked ? "password set; still locked; to end that run: "
                               "sallyportctl user unlock %s"
                             : "password set",
                ctl.args.word[2]);
    edit_read_users();
    if (!stays_locked)
        user_hint(user_named(&ctl.users));
}

struct directory_look {
    const struct user *user;
    char path[PATH_MAX];
    bool there;
};

static void look_for_directory(void *data)
{
    struct directory_look *d = data;
    const char *home = d->user->home;
    const uid_t owner = home_owner(d->user->uid);
    FD_CLEANUP int fd = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st))
        fail(EX_CANTCREAT,
             errno == ENOENT
                 ? "the home %s can't be opened: %s; mount its disk; if the "
                   "home is gone for good, mend the other rows first, then "
                   "remove the key; run: sallyportctl user edit"
                 : "the home %s can't be opened: %s",
             home, strerror(errno));
    if (st.st_uid != owner)
        fail(EX_CANTCREAT,
             "the home %s belongs to uid %u instead of %u; mount its disk, or "
             "run sallyportctl as the user of the server; only a home that is "
             "mounted may get another owner",
             home, (unsigned)st.st_uid, (unsigned)owner);
    d->there = lstat(d->path, &st) == 0;
    if (!d->there && errno != ENOENT && errno != ENOTDIR &&
        errno != ENAMETOOLONG)
        fail(EX_CANTCREAT, "%s can't be looked at: %s", d->path,
             strerror(errno));
}

/* Refuses to remove the rights of a directory that is there: its files, also
 * uploads that wait in it, and what clients send there next would have the
 * rights of the home. */
static void check_directory_gone(const struct row *row, const struct user *user)
{
    static const char rights[] = "rights.";
    const char *key = ctl.args.remove;
    struct directory_look d = { .user = user };

    if (!key || strncmp(key, rights, strlen(rights)) != 0 || !row_get(row, key))
        return;
    snprintf(d.path, sizeof(d.path), "%s%s", user->home, key + strlen(rights));
    disk_run(look_for_directory, &d, sizeof(d), d.path);
    if (d.there)
        fail(EX_USAGE,
             "%s is there, and without %s has the rights of the home; lock the "
             "user, since an old server makes it again at a login; release or "
             "reject what waits in it (inspect list --all), move all its files "
             "to the share, also those whose names begin with a dot (chgrp -R "
             "GID, chmod -R g+rwX), and rmdir it; then run: sallyportctl user "
             "change %s --remove %s",
             d.path, key, user->name, key);
}

/* The old home, for the message that the files stay there: they can be too many
 * to move. */
static char old_home[USER_HOME_MAX + 1];

static void change_row(void *given)
{
    struct draft *d = given;
    const struct user *user = user_named(edit_users);

    draft_check(d, edit_users, user);
    snprintf(old_home, sizeof(old_home), "%s", user->home);
    d->home.uid = user->uid;
    d->home.gid = user->gid;
    check_directory_gone(edit_row(user->line), user);
    if (ctl.args.home)
        home_make(&d->home);
    given_set(edit_row(user->line));
    if (ctl.args.home)
        row_set_column(edit_row(user->line), ROW_HOME, d->home.path);
    if (d->row.column[ROW_HASH][0])
        put_hash(user, d->row.column[ROW_HASH]);
    forget_given(user, (ctl.args.expires ? SYNC_EXPIRES : 0u) |
                           (d->row.column[ROW_HASH][0] ? SYNC_HASH : 0u));
}

/* Refuses a new home while the row has rights of directories in the old home:
 * they would be looked for where their files aren't yet. After a move the old
 * home isn't there, and the new one is; a home on a disk that is away isn't
 * made again. */
static void check_rights_go_first(const struct user *user, const char *home)
{
    const bool same = strcmp(home, user->home) == 0;
    struct statvfs room;

    if (user->had_rights &&
        (disk_room(home, &room) == -ENOENT ||
         (!same && disk_room(user->home, &room) != -ENOENT)))
        fail(EX_USAGE,
             "the row has rights of directories in %s; first remove each: user "
             "change --remove rights.PATH",
             user->home);
}

/* Returns how many uploads wait for inspection in the home. */
static unsigned count_waiting(const struct user *user)
{
    struct statvfs room;
    struct complaint why;
    unsigned count = 0;

    if (disk_room(user->home, &room) != -ENOENT &&
        inspect_count(user, NULL, &count, &why))
        stderr_print("%s; so it isn't known whether uploads wait for "
                     "inspection in %s",
                     why.text, user->home);
    return count;
}

/* Asks before a new home hides uploads that wait for inspection in the old one.
 * An old home that can't be searched can be left nevertheless. */
static void check_old_home(const struct user *user)
{
    const unsigned count = count_waiting(user);

    if (count > 0 &&
        terminal_confirm("Uploads in %s wait for inspection (%u), and no "
                         "command will find them any more. Go on? [y/N] ",
                         user->home, count) != 1)
        fail(EX_USAGE,
             "uploads in %s wait for inspection (%u), and no command would "
             "find them any more; nothing was changed; release or reject them, "
             "or move the whole directory first",
             user->home, count);
}

/* "inspect list" may leave the home out from now on. */
static void say_waiting(void)
{
    edit_read_users();
    const struct user *user = user_named(&ctl.users);
    const unsigned count = inspect_lists(user) ? 0 : count_waiting(user);

    if (count > 0)
        stderr_print("uploads in %s wait for inspection (%u); to see them run: "
                     "sallyportctl inspect list --all",
                     user->home, count);
}

void user_change(void)
{
    const struct user *user;
    struct statvfs room;
    struct draft d;

    given_any();
    draft_begin(&d, ctl.args.word[2]);
    given_set(&d.row);
    user = user_named(&ctl.users);
    snprintf(d.home.path, sizeof(d.home.path), "%s", user->home);
    if (ctl.args.home) {
        draft_home(&d, ctl.args.home);
        draft_check(&d, &ctl.users, user);
        /* what isn't there would be made, below the mount point of a disk */
        if (disk_room(d.home.path, &room) == -ENOENT)
            home_check_mounted(d.home.path);
        check_rights_go_first(user, d.home.path);
    }
    d.home.uid = user->uid;
    d.home.gid = user->gid;
    d.home.adopt = false;
    if (ctl.args.home || ctl.args.uploads || ctl.args.upload_bytes)
        home_check(&d.home);
    if (ctl.args.hash_stdin)
        given_hash(&d.row);
    if (ctl.args.home && strcmp(d.home.path, user->home) != 0)
        check_old_home(user);
    const bool inspected = inspect_lists(user);
    edit_run(change_row, &d);
    output_done("user", ctl.args.word[2],
                json_pack("{s:b}", "changed", edit_stands), "%s",
                edit_stands ? "changed" : "has these settings already");
    if (ctl.args.home && strcmp(d.home.path, old_home) != 0)
        stderr_print(
            "the files stay in %s; move them to %s; the counts of uploads= and "
            "upload_bytes= and a quota stay there, too; to set one run: "
            "sallyportctl quota set %s SIZE",
            old_home, d.home.path, ctl.args.word[2]);
    if (inspected && (ctl.args.role || ctl.args.remove))
        say_waiting();
    given_hint();
}

/* "lock" and "unlock" take several names, in one edit. "lock" locks the
 * existing users even if another name is misspelt. */

/* Says that the user is unlocked; or that the user stays locked, if the lock is
 * the source's. */
static void say_unlocked(const struct user *user)
{
    struct user_sync sync;

    if (!user_sync_closed(user)) {
        output_done("user", user->name, json_pack("{s:b}", "locked", 0),
                    "unlocked");
        user_hint(user);
        return;
    }
    user_sync_parse(user->sync, &sync);
    stderr_print(
        "%s stays locked: its source %.*s %s; to keep the user without the "
        "source run: sallyportctl user change %s --sync none",
        user->name, (int)sync.name.len, sync.name.ptr,
        sync.marks & SYNC_GONE ? "doesn't have the user any more"
                               : "has locked the user",
        user->name);
    ctl_status = EX_DATAERR;
}

static void set_locks(void *given)
{
    const bool lock = *(bool *)given;

    for (size_t i = 2; i < ctl.args.words; i++) {
        const struct slice name = slice_from(ctl.args.word[i]);
        const struct user *user = users_find(edit_users, name);
        const bool active = user && user->hash[0] == '$';

        if (!user && !lock)
            fail_missing("user", name);
        if (user && !lock && user->locked && !active && !user->certificate_only)
            fail(EX_DATAERR,
                 "%s has no password; run: sallyportctl user passwd %s",
                 user->name, user->name);
        if (user && user->locked_by_hand != lock)
            row_set_hash(edit_row(user->line), lock,
                         active ? user->hash
                         : lock ? ""
                                : "*");
    }
}

/* If the users file has a mistake, or can't be written, points to kick and ban,
 * which don't need the file: the caller wants somebody out now. */
static void kick_instead(int code)
{
    if (!edit_stands && (code != EX_NOPERM || geteuid() == 0))
        stderr_print("no user was locked by this command; \"ban add\" keeps an "
                     "address out; to end the sessions now run: sallyportctl "
                     "kick %s",
                     ctl.args.words == 3 ? ctl.args.word[2] : "USER");
}

void user_lock(void)
{
    bool lock = strcmp(ctl.args.word[1], "lock") == 0, told;

    at_fail = lock ? kick_instead : NULL;
    edit_run(set_locks, &lock);
    told = edit_stands;
    edit_read_users();
    for (size_t i = 2; i < ctl.args.words; i++) {
        const struct slice name = slice_from(ctl.args.word[i]);
        const struct user *user = users_find(&ctl.users, name);

        if (user && lock && !told) {
            told = true;
            sessions_edited(NULL); /* the server may not know of the lock */
        }
        if (user && lock)
            output_done("user", user->name, json_pack("{s:b}", "locked", 1),
                        "locked");
        else if (user)
            say_unlocked(user);
        else {
            stderr_print("there is no user %s, so nobody is locked by that "
                         "name; run: sallyportctl user list",
                         name.ptr);
            ctl_status = EX_NOUSER;
        }
    }
    if (sessions_unconfirmed) /* the caller wants the sessions ended */
        ctl_status = EX_TEMPFAIL;
}
