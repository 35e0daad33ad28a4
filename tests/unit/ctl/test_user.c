/* The commands on users: the password of a hash, and removals that are cut or
 * fail; cases/user_*.txt has the rest. */
#include <dirent.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include "ctl/edit/purge.h"
#include "played.h"
#include "world.h"

TestSuite(user, .init = world_make, .fini = scratch_remove);

#define PASSWORD "correct horse\n"

Test(user, the_hash_is_that_of_the_password)
{
    char text[1024];

    expect_run(0, PASSWORD, "user add anna");
    cr_expect(world_password_is("anna", "correct horse"));
    cr_expect_not(world_password_is("anna", "correct horse\n"));
    expect_run(0, "another horse\n", "user passwd anna");
    cr_expect_not(world_password_is("anna", "correct horse"));
    cr_expect(world_password_is("anna", "another horse"));
    snprintf(text, sizeof(text), "%0511d\nanother line\n", 0);
    expect_run(0, text, "user passwd anna");
    text[511] = '\0';
    cr_expect(world_password_is("anna", text));
    expect_run(0, "12345678", "user passwd anna");
    cr_expect(world_password_is("anna", "12345678"));
}

/* These functions replace libc's. fsync() fails for the directory `unsynced`.
 * flock() first writes `meanwhile` into the users file. renameat() can't give a
 * directory the reserved name if `lasting`, or in another directory if `apart`,
 * and doesn't return if `hanging`. It
 * makes the file "unlocked" if another process could take the lock. */
static const char *unsynced, *meanwhile;
static bool lasting, hanging, apart;

int fsync(int fd)
{
    struct stat a, b;

    if (unsynced && fstat(fd, &a) == 0 && stat(unsynced, &b) == 0 &&
        a.st_ino == b.st_ino) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

int flock(int fd, int how)
{
    if (meanwhile)
        file_write(world.users, meanwhile);
    return (int)syscall(SYS_flock, fd, how);
}

int renameat(int from, const char *old, int to, const char *new)
{
    if (strncmp(new, ".sallyport-purged-", 18) == 0) {
        int lock = open(in_scratch("users.lock"), O_RDWR | O_CLOEXEC);

        if (syscall(SYS_flock, lock, LOCK_EX | LOCK_NB) == 0)
            file_write(in_scratch("unlocked"), "");
        close(lock);
        if (hanging)
            pause();
        errno = from != to ? EXDEV : EIO;
        if (lasting || (apart && from != to))
            return -1;
    }
    return (int)syscall(SYS_renameat2, from, old, to, new, 0);
}

/* Makes a shell run COMMAND before rm(1), in the directory of the homes. */
static void before_rm(const char *command)
{
    static char path[128];
    char text[1024];

    snprintf(path, sizeof(path), "%s/rm", scratch);
    snprintf(text, sizeof(text), "#!/bin/sh\n%s\nexec /bin/rm \"$@\"\n",
             command);
    unlink(path);
    file_write(path, text);
    cr_assert_eq(chmod(path, 0755), 0);
    removed_rm = path;
}

/* --purge removes the files without the lock, since a large home takes long. */
Test(user, purge_holds_no_lock)
{
    expect_run(0, PASSWORD, "user add anna");
    before_rm("flock -n ../users.lock touch ../free");
    expect_run(0, "", "user del anna --purge --yes");
    cr_expect_not(files_exists(in(world.homes, "anna")));
    cr_expect(files_exists(in_scratch("free")));
}

/* --purge renames the directory under the lock. Otherwise "share add" could
 * take the old directory, with its group. */
Test(user, purge_renames_under_the_lock)
{
    expect_run(0, "", "share add a");
    expect_run(0, "", "share del a --purge --yes");
    cr_expect_not(files_exists(in(world.shares, "a")));
    cr_expect_not(files_exists(in_scratch("unlocked")));
}

/* If the share is added again during the removal, the new share has a new
 * directory, which stays. */
Test(user, purge_spares_what_is_added_again)
{
    char self[256], command[1024];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    self[n > 0 ? n : 0] = '\0';
    expect_run(0, PASSWORD, "user add anna");
    expect_run(0, "", "share add a");
    file_write(in(world.shares, "a/old"), "x");
    snprintf(
        command, sizeof(command),
        "UNIT_CTL_IS_SALLYPORTCTL=1 '%s' share add a anna:full --config %s; "
        "echo of the new share >a/new",
        self, world.conf);
    before_rm(command);
    expect_out(0, "", "share del a --purge --yes", "/a removed\n");
    cr_expect_str_eq(file_text(in(world.shares, "a/new")),
                     "of the new share\n");
    cr_expect_not(files_exists(in(world.shares, "a/old")));
    cr_expect_not_null(strstr(file_text(world.users), "@share:a:"));
    expect_run(0, "", "share show a");
}

/* --purge closes its connection before it removes files, since the server has
 * few places. */
Test(user, purge_keeps_no_connection)
{
    expect_run(0, PASSWORD, "user add anna");
    before_rm("for i in $(seq 100); do grep -q end ../asked && break; sleep "
              "0.1; done; "
              "grep -q end ../asked || touch ../late");
    setenv("ASKED", in_scratch("asked"), 1);
    played_server("ON users_changed -> control_done\nON end\n");
    expect_run(0, "", "user del anna --purge --yes");
    played_end();
    cr_expect(strstr(file_text(in_scratch("asked")), "\nend\n"));
    cr_expect_not(files_exists(in_scratch("late")));
}

/* Returns true if DIRECTORY has the rest of a removal that was cut. */
static bool is_left_over(const char *directory)
{
    const struct dirent *entry;
    DIR *dir = opendir(directory);
    bool found = false;

    while (dir && (entry = readdir(dir)))
        found = found || strstr(entry->d_name, ".sallyport-purged-");
    if (dir)
        closedir(dir);
    return found;
}

/* A --purge that is cut says where the rest is. Later commands continue the
 * removal. */
Test(user, purge_that_was_cut)
{
    const struct run *r;

    for (int i = 0; i < 3; i++) {
        expect_run(0, PASSWORD, "user add anna");
        file_write(in(world.homes, "anna/stuck"), "x");
        before_rm("exit 1");
        r = expect_run(EX_CANTCREAT, "", "user del anna --purge --yes");
        cr_expect_not_null(strstr(r->out, "/anna not removed, or only partly; "
                                          "see "),
                           "%s", r->out);
        cr_expect_not_null(
            strstr(r->err,
                   "find the cause, then run: rm -r --one-file-system /"),
            "%s", r->err);
        cr_expect_not(files_exists(in(world.homes, "anna")));
        cr_expect(is_left_over(world.homes));
        if (i == 0) { /* the new home has none of the old files */
            expect_out(0, PASSWORD, "user add anna", " uid 70001");
            cr_expect_not(files_exists(in(world.homes, "anna/stuck")));
            expect_run(0, "", "retention run --dry-run");
            expect_run(EX_IOERR, "", "retention run");
            cr_expect(is_left_over(world.homes));
        }
        removed_rm = "/bin/rm";
        expect_err(0, "", "retention run",
                   "removed; an earlier removal had left it");
        if (i == 0)
            expect_run(0, "", "user del anna --purge --yes");
        cr_expect_not(is_left_over(world.homes));
    }
}

/* The leftover of a home in a subdirectory is found, too; but on another disk
 * it stays beside the home. */
Test(user, purge_of_an_inner_home_that_was_cut)
{
    char words[256];

    files_make_folder(world.homes, 0711);
    files_make_folder(in(world.homes, "dept"), 0711);
    for (int i = 0; i < 2; i++) {
        apart = i == 1;
        snprintf(words, sizeof(words), "user add carl --home %s",
                 in(world.homes, "dept/carl"));
        expect_run(0, PASSWORD, words);
        file_write(in(world.homes, "dept/carl/stuck"), "x");
        before_rm("exit 1");
        snprintf(words, sizeof(words), " only partly; see %s/.sallyport-",
                 apart ? in(world.homes, "dept") : world.homes);
        expect_out(EX_CANTCREAT, "", "user del carl --purge --yes", words);
        cr_expect_not(files_exists(in(world.homes, "dept/carl")));
        cr_expect_eq(is_left_over(in(world.homes, "dept")), apart);
        removed_rm = "/bin/rm";
        expect_err(0, "", "retention run",
                   apart ? "" : "removed; an earlier removal had left it");
        cr_expect_not(is_left_over(world.homes));
    }
}

/* If the directory can't be renamed, it stays, as without --purge. The command
 * ends even if the disk hangs. */
Test(user, purge_that_cannot_rename, .timeout = 120)
{
    for (int i = 0; i < 2; i++) {
        disk_ms = 7000;
        hanging = i > 0;
        lasting = i == 0;
        expect_run(0, PASSWORD, i ? "user add bert" : "user add anna");
        disk_ms = hanging ? 2000 : 7000;
        expect_err(EX_CANTCREAT, "",
                   i ? "user del bert --purge --yes"
                     : "user del anna --purge --yes",
                   " can't be renamed, so it was not removed");
        cr_expect(files_exists(in(world.homes, i ? "bert" : "anna")));
        cr_expect_str_eq(file_text(world.users), "# no users\n");
    }
}

/* If the users file can't be written, the user's row and home stay. */
Test(user, purge_without_a_new_users_file)
{
    expect_run(0, PASSWORD, "user add anna");
    cr_assert_eq(mkdir(in_scratch(".users.sallyport-new"), 0700), 0);
    expect_run(EX_CANTCREAT, "", "user del anna --purge --yes");
    cr_expect(files_exists(in(world.homes, "anna")));
    cr_expect_not_null(strstr(file_text(world.users), "anna:"));
}

/* "retention run" removes the rest of a removal even if it refuses a home. */
Test(user, purge_that_was_cut_and_a_home_that_is_refused)
{
    expect_run(0, PASSWORD, "user add anna");
    file_write(in(world.homes, "anna/file"), "x");
    before_rm("exit 1");
    expect_run(EX_CANTCREAT, "", "user del anna --purge --yes");
    removed_rm = "/bin/rm";
    file_write(world.users, "bob:!:1:1::/gone::retain=/:1h\n");
    expect_err(EX_NOINPUT, "", "retention run",
               "removed; an earlier removal had left it");
    cr_expect_not(is_left_over(world.homes));
}

Test(user, purge_of_a_home_that_was_changed_meanwhile)
{
    char text[512];

    expect_run(0, PASSWORD, "user add anna");
    expect_run(0, PASSWORD, "user add bob");
    expect_run(0, "", "user del bob");
    snprintf(text, sizeof(text), "anna:!:70001:70001::%s::\n",
             in(world.homes, "bob"));
    meanwhile = text;
    expect_err(EX_TEMPFAIL, "", "user del anna --purge --yes",
               "its directory was changed just now");
    cr_expect_str_eq(file_text(world.users), text);
    cr_expect(files_exists(in(world.homes, "anna")));
    cr_expect(files_exists(in(world.homes, "bob")));
}

/* A password or a secret is shown before the users file is locked, so the
 * command says if it doesn't count. */
Test(user, what_was_shown_and_does_not_count)
{
    const struct run *r;

    expect_run(0, PASSWORD, "user add anna");
    unsynced = scratch; /* the change counts, but a power cut can undo it */
    for (int i = 0; i < 2; i++) {
        r = expect_run(EX_IOERR, "",
                       i ? "user totp anna"
                         : "user passwd anna --print-password");
        cr_expect_not_null(strstr(r->err, "a power cut can undo the change"));
        cr_expect_null(strstr(r->err, "isn't valid"), "%s", r->err);
    }
    unsynced = NULL;
    meanwhile = "a mistake\n";
    expect_err(EX_DATAERR, "", "user totp anna --new-secret",
               "the secret above isn't valid");
    meanwhile = NULL;
}

/* If two commands run at once, only one secret counts; the other says that its
 * secret doesn't. */
Test(user, totp_twice_at_once)
{
    static const char row[] =
        "anna:!:70000:70000::/a::totp=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
    static const char other[] =
        "anna:!:70000:70000::/a::totp=BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB\n";
    const struct run *r;

    expect_run(0, PASSWORD, "user add anna");
    meanwhile = row;
    r = expect_run(EX_USAGE, "", "user totp anna");
    cr_expect_not_null(strstr(r->err, "the secret above isn't valid"), "%s",
                       r->err);
    cr_expect_not_null(strstr(r->err, "anna has a second factor already"), "%s",
                       r->err);
    cr_expect_str_eq(file_text(world.users), row);
    meanwhile = other;
    expect_err(EX_TEMPFAIL, "", "user totp anna --new-secret",
               "anna has got another secret just now");
    cr_expect_str_eq(file_text(world.users), other);
}

/* If only the sync has failed, the user's row is there, and so is the home. */
Test(user, add_that_is_not_synced)
{
    const struct run *r;
    char home[160];

    unsynced = scratch;
    r = expect_run(EX_IOERR, PASSWORD, "user add anna");
    cr_expect_not_null(strstr(r->err, "a power cut can undo the change"), "%s",
                       r->err);
    cr_expect(strstr(file_text(world.users), "anna:"));
    cr_expect(files_exists(in(world.homes, "anna")));
    snprintf(home, sizeof(home), "user change anna --home %s",
             in(world.homes, "new"));
    expect_run(EX_IOERR, "", home);
    cr_expect(files_exists(in(world.homes, "new")));
}

/* The rest of a home that couldn't be made doesn't stop the next try. */
Test(user, add_whose_home_is_not_synced)
{
    unsynced = world.homes;
    expect_run(EX_CANTCREAT, PASSWORD, "user add anna");
    cr_expect_not(files_exists(in(world.homes, "anna")));
    cr_expect_not(files_exists(world.users));
    unsynced = NULL;
    expect_run(0, PASSWORD, "user add anna");
}
