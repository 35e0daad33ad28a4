/* The commands on users, end to end. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "sallyport/hash/hash.h"

#include "ctl/ctl.h"
#include "world.h"

TestSuite(user, .init = world_make, .fini = scratch_remove);

#define PASSWORD "correct horse\n"

/* Loads the users from the file. */
static void load(struct users *u)
{
    struct complaint c = { .text = "" };
    FILE *f = fopen(world.users, "r");

    cr_assert_not_null(f);
    cr_assert_eq(users_read(u, fileno(f), "users", &c), 0, "%s", c.text);
    fclose(f);
}

static void expect_hash(const char *name, const char *password, bool yes)
{
    struct secret s;
    struct users u;
    const struct user *user;

    load(&u);
    user = users_find(&u, slice_from(name));
    cr_assert_not_null(user);
    cr_assert_eq(secret_set(&s, slice_from(password)), 0);
    cr_expect_eq(hash_verify(&s, user->hash) == HASH_RIGHT, yes, "%s",
                 password);
    users_release(&u);
}

static void expect_mode(const char *path, mode_t mode)
{
    struct stat st;

    cr_assert_eq(stat(path, &st), 0, "%s", path);
    cr_expect_eq(st.st_mode & 07777, mode, "%s: %o", path, st.st_mode);
}

Test(user, add_makes_a_row_and_a_home)
{
    struct users u;
    struct stat st;
    const struct run *r =
        expect_run(0, PASSWORD, "user add anna --comment Accounts --role read");

    cr_expect(strstr(r->out, "user anna: uid 70000, home "));
    load(&u);
    cr_assert_eq(u.count, 1);
    cr_expect_str_eq(u.row[0].comment, "Accounts");
    cr_expect_eq(u.row[0].rights, RIGHT_LIST | RIGHT_READ);
    cr_expect_eq(u.row[0].uid, 70000);
    cr_expect_eq(u.row[0].gid, 70000);
    cr_expect_str_eq(u.row[0].home, in(world.homes, "anna"));
    cr_expect_eq(strncmp(u.row[0].hash, "$y$", 3), 0);
    users_release(&u);
    expect_hash("anna", "correct horse", true);
    expect_hash("anna", "correct horse\n", false);
    expect_mode(world.users, 0600);
    expect_mode(world.homes, 0711);
    expect_mode(in(world.homes, "anna"), 0700);
    cr_assert_eq(stat(in(world.homes, "anna"), &st), 0);
    cr_expect_eq(st.st_uid, geteuid() == 0 ? 70000 : geteuid());
    cr_expect_eq(st.st_gid, geteuid() == 0 ? 70000 : getegid());
}

Test(user, add_twice)
{
    expect_run(0, PASSWORD, "user add anna");
    expect_err(
        EX_DATAERR, PASSWORD, "user add anna",
        "users:1: anna is there already; run: sallyportctl user passwd anna");
}

Test(user, passwords)
{
    static const struct {
        const char *input, *complaint;
    } table[] = {
        { "1234567\n", "the password is too short; use at least 8 bytes" },
        { "1234567\nand more\n", "too short" },
        { "12345678\r\n", "holds a line end" },
    };
    char text[1024];

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        expect_err(EX_DATAERR, table[i].input, "user add anna",
                   table[i].complaint);
    cr_expect_not(files_exists(world.users));
    expect_err(EX_TEMPFAIL, "", "user add anna", "the password was not given");
    expect_err(EX_TEMPFAIL, "\n", "user add anna", "was not given; nothing");
    cr_expect_not(files_exists(world.users));
    snprintf(text, sizeof(text), "%0512d\n", 0);
    expect_err(EX_DATAERR, text, "user add anna", "longer than 511 bytes");
    snprintf(text, sizeof(text), "%0511d\nanother line\n", 0);
    expect_run(0, text, "user add anna");
    text[511] = '\0';
    expect_hash("anna", text, true);
    expect_run(0, "12345678", "user passwd anna");
    expect_hash("anna", "12345678", true);
}

Test(user, passwd_changes_the_hash_and_nothing_else)
{
    char before[512], *rest;
    const char *after;

    file_write(world.users, "# by hand\n\nanna:!:70005:70006:A B:/h:: "
                            " rights=lr   \n#end\n");
    expect_out(0, PASSWORD, "user passwd anna", "user anna: password set\n");
    expect_hash("anna", "correct horse", true);
    expect_run(0, "another horse\n", "user passwd anna");
    expect_hash("anna", "correct horse", false);
    expect_hash("anna", "another horse", true);
    strcpy(before, file_text(world.users));
    cr_expect_eq(strncmp(before, "# by hand\n\nanna:$y$", 19), 0);
    rest = strstr(before, ":70005");
    cr_assert_not_null(rest);
    cr_expect_str_eq(rest, ":70005:70006:A B:/h::  rights=lr   \n#end\n");
    after = expect_run(EX_NOUSER, PASSWORD, "user passwd bob")->err;
    cr_expect(strstr(after, "there is no user bob; run: sallyportctl "
                            "user list"));
}

/* The option sets the key, and another password without it removes the key. */
Test(user, must_change)
{
    cr_expect_str_eq(
        expect_run(0, PASSWORD, "user add anna --must-change")->err, "");
    cr_expect(strstr(file_text(world.users), "::rights=full must_change=yes"),
              "%s", file_text(world.users));
    expect_out(0, "", "user show anna", "\nto be changed: yes\n");
    expect_out(0, "", "user show anna --json", "\"must_change\": true");
    expect_run(0, PASSWORD, "user passwd anna");
    cr_expect_not(strstr(file_text(world.users), "must_change"));
    expect_out(0, "", "user show anna --json", "\"must_change\": false");
    expect_run(0, PASSWORD, "user passwd anna --must-change");
    cr_expect(strstr(file_text(world.users), " must_change=yes\n"));
    expect_run(0, "", "user change anna --comment A");
    cr_expect(strstr(file_text(world.users), " must_change=yes\n"));
    expect_run(0, "", "user lock anna");
    cr_expect(strstr(file_text(world.users), " must_change=yes\n"));
}

Test(user, must_change_afterwards)
{
    expect_run(0, PASSWORD, "user add anna");
    cr_expect_str_eq(expect_run(0, "", "user change anna --must-change")->err,
                     "");
    cr_expect(strstr(file_text(world.users), " must_change=yes\n"));
}

static void expect_weak(const char *name, bool weak)
{
    json_t *list =
               json_loads(expect_run(0, "", "user list --json")->out, 0, NULL),
           *one;
    bool found = false;
    size_t i;

    cr_assert_not_null(list);
    json_array_foreach(list, i, one)
    {
        if (strcmp(json_string_value(json_object_get(one, "name")), name) != 0)
            continue;
        found = true;
        cr_expect_eq(json_is_true(json_object_get(one, "weak_hash")), weak,
                     "%s", name);
    }
    cr_expect(found, "%s", name);
    json_decref(list);
}

/* The setting decides about new hashes only; older ones are weak then. */
Test(user, hash_cost)
{
    char conf[4096];

    world.real_hashes = true;
    expect_run(0, PASSWORD, "user add anna");
    cr_expect(strstr(file_text(world.users), "anna:$y$j9T$"));
    snprintf(conf, sizeof(conf), "%shash_cost = 6\n", file_text(world.conf));
    file_write(world.conf, conf);
    expect_run(0, PASSWORD, "user add bob");
    cr_expect(strstr(file_text(world.users), "bob:$y$jAT$"), "%s",
              file_text(world.users));
    cr_expect(strstr(file_text(world.users), "anna:$y$j9T$"));
    expect_run(0, "", "user lock anna");
    expect_weak("anna", true);
    expect_weak("bob", false);
    expect_out(0, "", "user show anna", "weak hash: yes\n");
    expect_out(0, "", "user list", " yes  /");
    expect_out(0, "", "user list", " no   /");
}

/* A user without a password has no weak one. */
Test(user, weak_hash)
{
    file_write(world.users, "anna:!:70000:70000::/h::\n"
                            "bert:$6$rounds=1000$salt$"
                            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                            ":70001:70001::/i::\n");
    expect_weak("anna", false);
    expect_weak("bert", true);
}

Test(user, lock_and_unlock)
{
    char before[512];

    expect_run(0, PASSWORD, "user add anna");
    strcpy(before, file_text(world.users));
    expect_out(0, "", "user lock anna", "anna: locked");
    cr_expect(strstr(file_text(world.users), "anna:!$y$"));
    expect_out(0, "", "user lock anna", "anna: was already locked");
    cr_expect_not(strstr(file_text(world.users), "!!"));
    expect_out(0, PASSWORD, "user passwd anna", "still locked");
    cr_expect(strstr(file_text(world.users), "anna:!$y$"));
    expect_run(0, "", "user unlock anna");
    expect_hash("anna", "correct horse", true);
    expect_out(0, "", "user unlock anna", "anna: was not locked");
    expect_run(EX_NOUSER, "", "user lock bob");
    expect_run(EX_NOUSER, "", "user unlock bob");
}

/* Who wants somebody out learns what works now. */
Test(user, edits_of_a_file_with_a_mistake)
{
    static const char unchanged[] =
        "users:2: unknown key \"colour\" in the last column; nothing was "
        "changed: correct the file first";
    static const char *const edits[] = { "user unlock anna",
                                         "user change anna --ttl 7d",
                                         "user del anna --yes",
                                         "quota set anna 1G" };
    char text[1024];

    expect_run(0, PASSWORD, "user add anna");
    snprintf(text, sizeof(text), "%sbert:!:70098:70098::/bert::colour=red\n",
             file_text(world.users));
    file_write(world.users, text);
    expect_err(EX_DATAERR, "", "user lock anna", unchanged);
    expect_err(EX_DATAERR, "", "user lock anna",
               "; anna is not locked; to end the sessions now run: "
               "sallyportctl kick anna; to keep an address out: sallyportctl "
               "ban add ADDRESS\n");
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
        if (geteuid() == 0 || strncmp(edits[i], "quota", 5) != 0)
            expect_err(EX_DATAERR, "", edits[i], unchanged);
    cr_expect_str_eq(file_text(world.users), text);
    expect_err(EX_DATAERR, "", "user show anna", "in the last column\n");
}

/* Each call makes another secret; "user show" never shows it. */
Test(user, totp)
{
    char secret[33] = "", again[33] = "";
    const char *at;

    expect_run(0, PASSWORD, "user add anna");
    at = strstr(expect_run(0, "", "user totp anna")->out, "?secret=");
    cr_assert(at && sscanf(at, "?secret=%32[A-Z2-7]&issuer=", secret) == 1);
    cr_expect(strstr(file_text(world.users), secret));
    expect_out(0, "", "user show anna", "second factor: totp");
    cr_expect_not(
        strstr(expect_run(0, "", "user show anna --json")->out, secret));
    expect_err(EX_USAGE, "", "user totp anna --json",
               "anna has a second factor");
    at = strstr(expect_run(0, "", "user totp anna --json --yes")->out,
                "?secret=");
    cr_assert(at && sscanf(at, "?secret=%32[A-Z2-7]&issuer=", again) == 1);
    cr_expect_str_neq(secret, again);
    cr_expect_not(strstr(file_text(world.users), secret));
    expect_out(0, "", "user totp-off anna", "anna: the password alone");
    expect_out(0, "", "user totp-off anna",
               "anna: had no second factor; the password alone");
    expect_run(0, "", "user change anna --certificate dns:a.example.org");
    expect_out(0, "", "user totp-off anna",
               "the client certificate is needed, and no code");
    expect_out(0, "", "user show anna", "second factor: none");
    expect_run(EX_NOUSER, "", "user totp bob");
}

/* A password that nobody has seen isn't set. */
Test(user, a_password_that_is_not_shown)
{
    char before[4096];

    expect_run(0, PASSWORD, "user add anna");
    strcpy(before, file_text(world.users));
    world.out = "/dev/full";
    expect_err(EX_IOERR, "", "user passwd anna --print-password",
               "No space left on device; nothing has changed");
    cr_expect_str_eq(file_text(world.users), before);
}

/* A comment comes from people, and from the files of other servers. */
Test(user, text_for_the_terminal_is_harmless)
{
    const struct run *r;

    file_write(world.users, "anna:!:70000:1:J\xc3\xb6rg \xc2\x9b"
                            "31m\xe2\x80\xaegpj.:/h::\n");
    r = expect_run(0, "", "user show anna");
    cr_expect_not_null(strstr(r->out, "J\xc3\xb6rg ??31m???gpj."), "%s",
                       r->out);
    expect_err(EX_DATAERR, "", "user show b\xc2\x9b", "b??");
}

/* The file has all hashes, and the secrets of second factors. */
Test(user, export_is_for_the_caller)
{
    struct stat st;

    expect_run(0, PASSWORD, "user add anna");
    for (int i = 0; i < 2; i++) {
        const char *path = in_scratch(i ? "json" : "text");
        const char *words = i ? "user export --json --hashes" : "user export";

        file_write(path, "");
        cr_assert_eq(chmod(path, 0644), 0);
        world.out = path;
        expect_run(0, "", words);
        cr_assert_eq(stat(path, &st), 0);
        cr_expect_eq(st.st_mode & 0777, 0600);
        cr_expect_not_null(strstr(file_text(path), "$y$"));
        cr_assert_eq(chmod(path, 0644), 0);
        expect_err(EX_CANTCREAT, "", words, "others may read the file");
        world.out = NULL;
    }
}

/* A secret that nobody has seen doesn't count. */
Test(user, totp_that_is_not_shown)
{
    expect_run(0, PASSWORD, "user add anna");
    world.out = "/dev/full";
    expect_err(EX_IOERR, "", "user totp anna", "No space left on device");
    expect_err(EX_IOERR, "", "user totp anna --json", "No space left");
    world.out = NULL;
    expect_out(0, "", "user show anna", "second factor: none");
}

Test(user, unlock_needs_a_password)
{
    file_write(world.users, "anna:!:1:1::/h::\nbob:*:2:2::/i::\n");
    expect_err(EX_DATAERR, "", "user unlock anna",
               "anna has no password; run: sallyportctl user passwd anna");
    expect_run(EX_DATAERR, "", "user unlock bob");
    cr_expect_str_eq(file_text(world.users),
                     "anna:!:1:1::/h::\nbob:*:2:2::/i::\n");
}

Test(user, del_keeps_the_home)
{
    expect_run(0, PASSWORD, "user add anna");
    expect_run(0, PASSWORD, "user add bob");
    expect_out(0, "", "user del anna", " kept\n");
    cr_expect_not(strstr(file_text(world.users), "anna"));
    cr_expect_eq(strncmp(file_text(world.users), "bob:", 4), 0);
    cr_expect(files_exists(in(world.homes, "anna")));
    expect_run(EX_NOUSER, "", "user del anna");
}

Test(user, del_purge_asks)
{
    expect_run(0, PASSWORD, "user add anna");
    expect_err(EX_USAGE, "y\n", "user del anna --purge", "give --yes");
    cr_expect(strstr(file_text(world.users), "anna:"));
    cr_expect(files_exists(in(world.homes, "anna")));
    expect_run(0, "", "user del anna --purge --yes");
    cr_expect_str_eq(file_text(world.users), "# no users\n");
    cr_expect_not(files_exists(in(world.homes, "anna")));
}

Test(user, purge_spares_a_home_that_others_have)
{
    char text[512];

    expect_run(0, PASSWORD, "user add anna");
    strcpy(text, file_text(world.users));
    snprintf(text + strlen(text), 256, "bob:!:70009:1::%s/sub::\n",
             in(world.homes, "anna"));
    file_write(world.users, text);
    expect_err(EX_DATAERR, "", "user del anna --purge --yes",
               "overlaps the home of bob");
    cr_expect_str_eq(file_text(world.users), text);
    cr_expect(files_exists(in(world.homes, "anna")));
}

/* What is known before the removal of the line keeps the user, too. */
Test(user, purge_of_a_home_that_cannot_be_removed)
{
    expect_run(0, PASSWORD, "user add anna");
    cr_assert_eq(rename(in(world.homes, "anna"), in_scratch("anna")), 0);
    cr_assert_eq(symlink(in_scratch("anna"), in(world.homes, "anna")), 0);
    expect_err(EX_CANTCREAT, "", "user del anna --purge --yes",
               "anna was not removed: Not a directory");
    expect_run(0, "", "user show anna");
    cr_expect(files_exists(in_scratch("anna")));
}

/* This program's system calls replace libc's: the directory `unsynced` can't be
 * synced, `meanwhile` is written to the users file just before it is locked,
 * the removal of a file "probe" tries the lock, that of "again" runs the
 * command `again`, that of "stuck" fails, that of "killed" ends the process,
 * and so does with `killed` the replacement of the users file. With `lasting`
 * no directory gets its name back. */
static const char *unsynced, *meanwhile, *again;
static bool stuck, killed, lasting;

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
    if (killed && strcmp(new, "users") == 0)
        _exit(128 + SIGKILL);
    if (lasting && strncmp(old, ".sallyport-removed-", 19) == 0) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_renameat2, from, old, to, new, 0);
}

int unlinkat(int directory, const char *name, int flags)
{
    if (stuck && strcmp(name, "stuck") == 0) {
        errno = EPERM;
        return -1;
    }
    if (stuck && strcmp(name, "killed") == 0)
        _exit(128 + SIGKILL);
    if (again && strcmp(name, "again") == 0) {
        struct run r;

        run_ctl(&r, "", again);
        cr_assert_eq(r.code, 0, "%s", r.err);
        file_write(in(world.shares, "a/new"), "of the new share");
    }
    if (strcmp(name, "probe") == 0) {
        int fd = open(in_scratch("users.lock"), O_RDWR | O_CLOEXEC);

        fputs(syscall(SYS_flock, fd, LOCK_EX | LOCK_NB) == 0 ? "probe: free\n"
                                                             : "probe: held\n",
              stderr);
        close(fd);
    }
    return (int)syscall(SYS_unlinkat, directory, name, flags);
}

/* A large home takes long. */
Test(user, purge_holds_no_lock)
{
    expect_run(0, PASSWORD, "user add anna");
    file_write(in(world.homes, "anna/probe"), "x");
    expect_err(0, "", "user del anna --purge --yes", "probe: free");
    cr_expect_not(files_exists(in(world.homes, "anna")));
}

/* The directory of the new share is a new one. */
Test(user, purge_spares_what_is_added_again)
{
    expect_run(0, PASSWORD, "user add anna");
    expect_run(0, "", "share add a");
    file_write(in(world.shares, "a/again"), "x");
    file_write(in(world.shares, "a/old"), "x");
    again = "share add a anna";
    expect_out(0, "", "share del a --purge --yes", "/a removed\n");
    cr_expect_str_eq(file_text(in(world.shares, "a/new")), "of the new share");
    cr_expect_not(files_exists(in(world.shares, "a/old")));
    cr_expect_not_null(strstr(file_text(world.users), "@share:a:"));
    expect_run(0, "", "share show a");
}

/* Is a directory left over, in which the removal was cut? */
static bool is_left_over(const char *directory)
{
    const struct dirent *entry;
    DIR *dir = opendir(directory);
    bool found = false;

    while (dir && (entry = readdir(dir)))
        found = found || strstr(entry->d_name, ".sallyport-removed-");
    if (dir)
        closedir(dir);
    return found;
}

/* It says where the rest is, and what can't be removed; later commands
 * continue. */
Test(user, purge_that_was_cut)
{
    const struct run *r;

    for (int i = 0; i < 3; i++) {
        expect_run(0, PASSWORD, "user add anna");
        file_write(in(world.homes, "anna/stuck"), "x");
        stuck = true;
        r = expect_run(EX_CANTCREAT, "", "user del anna --purge --yes");
        cr_expect_not_null(strstr(r->out, "/anna only partly removed; the rest "
                                          "is "),
                           "%s", r->out);
        cr_expect_not_null(strstr(r->err, "/stuck: Operation not permitted; "
                                          "mend that, and run: sallyportctl "
                                          "retention run"),
                           "%s", r->err);
        cr_expect_not(files_exists(in(world.homes, "anna")));
        cr_expect(is_left_over(world.homes));
        if (i == 0) { /* nobody gets the rest of the old files */
            expect_out(0, PASSWORD, "user add anna", " uid 70001");
            cr_expect_not(files_exists(in(world.homes, "anna/stuck")));
            expect_err(EX_IOERR, "", "retention run", "/stuck: Operation not");
            cr_expect(is_left_over(world.homes));
        }
        stuck = false;
        if (i == 0)
            expect_err(0, "", "user del anna --purge --yes",
                       "removed, the rest of an earlier removal");
        else
            expect_err(0, "", "retention run",
                       "removed, the rest of an earlier removal");
        cr_expect_not(is_left_over(world.homes));
    }
}

Test(user, purge_that_was_killed)
{
    expect_run(0, PASSWORD, "user add anna");
    file_write(in(world.homes, "anna/killed"), "x");
    stuck = true;
    expect_run(128 + SIGKILL, "", "user del anna --purge --yes");
    stuck = false;
    cr_expect_str_eq(file_text(world.users), "# no users\n");
    cr_expect(is_left_over(world.homes));
    expect_run(0, "", "retention run --dry-run");
    cr_expect(is_left_over(world.homes));
    expect_run(0, "", "retention run");
    cr_expect_not(is_left_over(world.homes));
}

/* The users file can't be replaced, nor the directory get its name back. */
Test(user, purge_that_is_not_undone)
{
    expect_run(0, PASSWORD, "user add anna");
    cr_assert_eq(mkdir(in_scratch(".users.sallyport-new"), 0700), 0);
    lasting = true;
    expect_err(EX_CANTCREAT, "", "user del anna --purge --yes",
               "/homes/anna is now ");
    lasting = false;
    cr_expect_not(files_exists(in(world.homes, "anna")));
    expect_err(0, "", "retention run", "it is there again");
    cr_expect(files_exists(in(world.homes, "anna")));
}

/* In a directory in which no row has its home any more. */
Test(user, purge_that_was_killed_in_a_directory_between)
{
    char words[256];

    cr_assert_eq(mkdir(world.homes, 0711), 0);
    cr_assert_eq(mkdir(in(world.homes, "team"), 0711), 0);
    cr_assert_eq(mkdir(in(world.homes, "team/legal"), 0711), 0);
    snprintf(words, sizeof(words), "user add anna --home %s",
             in(world.homes, "team/legal/anna"));
    expect_run(0, PASSWORD, words);
    file_write(in(world.homes, "team/legal/anna/killed"), "x");
    stuck = true;
    expect_run(128 + SIGKILL, "", "user del anna --purge --yes");
    stuck = false;
    cr_expect(is_left_over(in(world.homes, "team/legal")));
    expect_err(0, "", "retention run", "the rest of an earlier removal");
    cr_expect_not(is_left_over(in(world.homes, "team/legal")));
}

/* A part belongs to others, such as local programs. */
Test(user, purge_that_was_killed_at_files_of_others)
{
    if (geteuid() != 0)
        world_skip("only root has files of others");
    expect_run(0, PASSWORD, "user add anna");
    cr_assert_eq(mkdir(in(world.homes, "anna/others"), 0755), 0);
    file_write(in(world.homes, "anna/others/killed"), "x");
    stuck = true;
    expect_run(128 + SIGKILL, "", "user del anna --purge --yes");
    stuck = false;
    expect_run(0, "", "retention run");
    cr_expect_not(is_left_over(world.homes));
}

/* Whatever else fails. */
Test(user, purge_that_was_killed_and_a_home_that_is_refused)
{
    expect_run(0, PASSWORD, "user add anna");
    file_write(in(world.homes, "anna/killed"), "x");
    stuck = true;
    expect_run(128 + SIGKILL, "", "user del anna --purge --yes");
    stuck = false;
    file_write(world.users, "bob:!:1:1::/gone::retain=/:1h\n");
    expect_err(EX_NOINPUT, "", "retention run",
               "removed, the rest of an earlier removal");
    cr_expect_not(is_left_over(world.homes));
}

/* Between the new name and the new users file. */
Test(user, purge_that_was_killed_before_the_row_went)
{
    expect_run(0, PASSWORD, "user add anna");
    file_write(in(world.homes, "anna/file"), "x");
    for (int i = 0; i < 2; i++) {
        killed = true;
        expect_run(128 + SIGKILL, "", "user del anna --purge --yes");
        killed = false;
        cr_expect_not_null(strstr(file_text(world.users), "anna:"));
        cr_expect(is_left_over(world.homes));
        if (i == 0) {
            expect_err(0, "", "retention run",
                       "its removal was cut; it is there again");
            cr_expect_str_eq(file_text(in(world.homes, "anna/file")), "x");
        }
    }
    expect_out(0, "", "user del anna --purge --yes", "/anna removed\n");
    cr_expect_not(is_left_over(world.homes));
    cr_expect_not(files_exists(in(world.homes, "anna")));
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

/* They are shown before the users file is locked. */
Test(user, what_was_shown_and_does_not_count)
{
    const struct run *r;

    expect_run(0, PASSWORD, "user add anna");
    unsynced = scratch; /* it counts, but a power cut may undo it */
    for (int i = 0; i < 2; i++) {
        r = expect_run(EX_IOERR, "",
                       i ? "user totp anna"
                         : "user passwd anna --print-password");
        cr_expect_not_null(strstr(r->err, "a power cut may undo it"));
        cr_expect_null(strstr(r->err, "doesn't count"), "%s", r->err);
    }
    unsynced = NULL;
    meanwhile = "a mistake\n";
    expect_err(EX_DATAERR, "", "user totp anna --yes",
               "the secret above doesn't count");
    meanwhile = NULL;
}

/* The row is there, so its home is, too. */
Test(user, add_that_is_not_synced)
{
    const struct run *r;
    char home[160];

    file_write(in_scratch("users.last-uid"), "70050\n");
    unsynced = scratch;
    r = expect_run(EX_IOERR, PASSWORD, "user add anna --uid 70005");
    cr_expect_not_null(strstr(r->err, "a power cut may undo it"), "%s", r->err);
    cr_expect(strstr(file_text(world.users), "anna:"));
    cr_expect(files_exists(in(world.homes, "anna")));
    snprintf(home, sizeof(home), "user change anna --home %s",
             in(world.homes, "new"));
    expect_run(EX_IOERR, "", home);
    cr_expect(files_exists(in(world.homes, "new")));
}

/* What was begun of a home doesn't stand in the way of the next try. */
Test(user, add_whose_home_is_not_synced)
{
    unsynced = world.homes;
    expect_run(EX_CANTCREAT, PASSWORD, "user add anna");
    cr_expect_not(files_exists(in(world.homes, "anna")));
    cr_expect_not(files_exists(world.users));
    unsynced = NULL;
    expect_run(0, PASSWORD, "user add anna");
}

/* Also after its user was removed, and after the file was restored by hand. */
Test(user, a_uid_is_never_given_out_twice)
{
    expect_run(0, PASSWORD, "user add anna");
    expect_run(0, PASSWORD, "user add bob");
    expect_run(0, "", "user del bob");
    expect_out(0, PASSWORD, "user add carl", "uid 70002");
    cr_expect_str_eq(file_text(in_scratch("users.last-uid")), "70002\n");
    file_write(world.users, "#\n");
    expect_out(0, PASSWORD, "user add dora", "uid 70003");
    /* and above the uids in the file, if the mark is lost */
    file_write(world.users, "x:!:70050:1::/x::\n");
    unlink(in_scratch("users.last-uid"));
    expect_out(0, PASSWORD, "user add emil", "uid 70051");
}

/* The row and the file of spent uids are lost, as after the restore of an old
 * backup; the files are still there. */
Test(user, a_uid_that_owns_a_home_is_not_assigned)
{
    char words[256];

    if (geteuid() != 0)
        world_skip("without root all homes have one uid");
    expect_run(0, PASSWORD, "user add anna");
    expect_run(0, PASSWORD, "user add bob");
    file_write(in(world.homes, "bob/file"), "x");
    file_write(world.users, "#\n");
    file_write(in_scratch("users.last-uid"), "70000\n");
    expect_out(0, PASSWORD, "user add carl", "uid 70002");
    expect_out(0, PASSWORD, "user add bob --uid 70001", "uid 70001");
    file_write(world.users, "#\n");
    file_write(in_scratch("users.last-uid"), "70000\n");
    file_write(in_scratch("old"), "dora:!:1:1::/x:/bin/sh\n");
    snprintf(words, sizeof(words), "user import %s --format proftpd",
             in_scratch("old"));
    expect_out(0, "", words, "user dora: uid 70003");
}

/* A full disk has emptied it: an edit would make that permanent, and announce
 * it to the server. Before the first user, and after the last one, it may be
 * without users. */
Test(user, an_empty_file_that_had_users)
{
    file_write(world.users, "");
    expect_run(0, PASSWORD, "user add anna");
    file_write(world.users, "");
    expect_err(EX_DATAERR, PASSWORD, "user add bob", "is empty, but had users");
    cr_expect_str_eq(file_text(world.users), "");
    file_write(world.users, "#\n");
    expect_run(0, PASSWORD, "user add bob");
}

Test(user, the_last_user_leaves_a_line)
{
    expect_run(0, PASSWORD, "user add anna");
    expect_run(0, "", "user del anna");
    cr_expect_str_eq(file_text(world.users), "# no users\n");
    expect_run(0, PASSWORD, "user add bob");
    expect_run(0, "", "user list");
}

Test(user, uids_of_ones_own_choice)
{
    expect_run(0, PASSWORD, "user add anna --uid 70098");
    expect_err(EX_DATAERR, PASSWORD, "user add b --uid 70098",
               "uid 70098 belongs to anna; leave out --uid");
    /* One high uid doesn't end the automatic ones. */
    expect_out(0, PASSWORD, "user add carl", "uid 70000");
    expect_run(0, PASSWORD, "user add bob --uid 70001");
    expect_out(0, PASSWORD, "user add dora", "uid 70002");
    expect_run(0, "", "user del anna");
    expect_run(0, "", "user del bob");
    expect_err(0, PASSWORD, "user add emil --uid 70098",
               "may have been another user's");
    expect_err(0, PASSWORD, "user add fay --uid 70001",
               "may have been another user's");
    file_write(in_scratch("users.last-uid"), "70099\n");
    expect_err(EX_CONFIG, PASSWORD, "user add zoe",
               "no uid is left up to 70099; give --uid N, the number of a "
               "removed user whose files are gone, or raise uid_last");
    cr_expect_not(strstr(file_text(world.users), "\nzoe:"));
    cr_expect_not(files_exists(in(world.homes, "zoe")));
}

/* As many as a users file may have: of rows that were written by hand, or
 * imported with their uids. */
Test(user, thousands_of_uids_of_ones_own_choice)
{
    const size_t rows = 5000, size = rows * 32;
    char *text = malloc(size), conf[1024];
    size_t len = 0;

    cr_assert(text);
    for (size_t i = 0; i < rows; i++)
        len += (size_t)snprintf(text + len, size - len,
                                "u%zu:!:%zu:1::/u/%zu::\n", i, 70010 + i, i);
    file_write(world.users, text);
    free(text);
    file_write(in_scratch("users.last-uid"), "70000\n");
    snprintf(conf, sizeof(conf), "%s", file_text(world.conf));
    memcpy(strstr(conf, "uid_last = 70099"), "uid_last = 79999", 16);
    file_write(world.conf, conf);
    expect_out(0, PASSWORD, "user add anna", "uid 70001");
    expect_run(0, "", "user del u7");
}

/* A hand-written row at the end of the range, and no file of spent uids. */
Test(user, a_high_uid_without_a_mark)
{
    file_write(world.users, "x:!:70099:1::/x::\n");
    expect_out(0, PASSWORD, "user add anna", "uid 70000");
    cr_expect_str_eq(file_text(in_scratch("users.last-uid")), "70000\n70099\n");
}

/* Also not the uid of a row written by hand, once "user del" has seen it. A uid
 * beyond the range doesn't use up the range. */
Test(user, uids_of_removed_rows_are_spent)
{
    file_write(world.users, "carl:*:70007:70007::/c::\n"
                            "zoe:*:70011:70011::/z::\n"
                            "mike:*:80000:80000::/m::\n");
    expect_run(0, "", "user del zoe");
    cr_expect_str_eq(file_text(in_scratch("users.last-uid")), "70011\n");
    expect_run(0, "", "user del carl");
    expect_run(0, "", "user del mike");
    cr_expect_str_eq(file_text(in_scratch("users.last-uid")), "70011\n");
    expect_out(0, PASSWORD, "user add anna", "uid 70012");
}

/* The files still have the old uid. */
Test(user, a_uid_that_was_changed_is_spent)
{
    file_write(world.users, "zoe:*:70011:70011::/z::\n");
    expect_run(0, "", "user change zoe --uid 70001");
    cr_expect_str_eq(file_text(in_scratch("users.last-uid")), "70011\n");
    expect_out(0, PASSWORD, "user add anna", "uid 70012");
    expect_err(0, "", "user change anna --uid 70011",
               "uid 70011 may have been another user's; files of that user "
               "are now anna's");
}

Test(user, a_bad_mark)
{
    file_write(in_scratch("users.last-uid"), "seven\n");
    expect_err(EX_DATAERR, PASSWORD, "user add anna",
               "users.last-uid:1: not a number");
    cr_expect_not(files_exists(world.users));
}

Test(user, a_bad_line_refuses_each_command)
{
    static const char *const table[] = {
        "user show anna",        "user add bob",     "user passwd anna",
        "user lock anna",        "user unlock anna", "user del anna",
        "user show anna --json",
    };
    static const char text[] = "anna:!:1:1::/h::\nbob:secret:2:2::/i::\n";

    file_write(world.users, text);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        expect_err(EX_DATAERR, PASSWORD, table[i],
                   "/users:2: the hash isn't supported");
    cr_expect_str_eq(file_text(world.users), text);
}

Test(user, add_keeps_what_others_wrote)
{
    static const char text[] =
        "# head\n\n  \nzoe:*:5:5:c c:/z:: rights=l\n#end\n";

    file_write(world.users, text);
    cr_assert_eq(chmod(world.users, 0640), 0);
    expect_run(0, PASSWORD, "user add anna");
    cr_expect_eq(strncmp(file_text(world.users), text, strlen(text)), 0);
    cr_expect_eq(strncmp(file_text(world.users) + strlen(text), "anna:", 5), 0);
    expect_mode(world.users, 0640);
    expect_run(0, "", "user del zoe");
    cr_expect_eq(
        strncmp(file_text(world.users), "# head\n\n  \n#end\nanna:", 21), 0);
}

Test(user, the_file_is_never_left_open_to_others)
{
    file_write(world.users, "zoe:*:5:5::/z::\n");
    cr_assert_eq(chmod(world.users, 0666), 0);
    expect_run(0, "", "user del zoe");
    expect_mode(world.users, 0660);
}

Test(user, the_file_keeps_its_owner)
{
    struct stat st;

    if (geteuid() != 0)
        world_skip("only root can give a file away");
    file_write(world.users, "zoe:*:5:5::/z::\n");
    cr_assert_eq(chown(world.users, 12345, 54321), 0);
    expect_run(0, PASSWORD, "user add anna");
    cr_assert_eq(stat(world.users, &st), 0);
    cr_expect_eq(st.st_uid, 12345);
    cr_expect_eq(st.st_gid, 54321);
}

Test(user, a_link_to_the_file_stays_one)
{
    struct stat st;

    cr_assert_eq(mkdir(in_scratch("else"), 0700), 0);
    file_write(in_scratch("else/real"), "");
    cr_assert_eq(symlink("else/real", world.users), 0);
    expect_run(0, PASSWORD, "user add anna");
    cr_assert_eq(lstat(world.users, &st), 0);
    cr_expect(S_ISLNK(st.st_mode));
    cr_expect_eq(strncmp(file_text(in_scratch("else/real")), "anna:", 5), 0);
}

Test(user, without_the_right_to_write)
{
    if (geteuid() == 0)
        world_skip("root may write everywhere");
    expect_run(0, PASSWORD, "user add anna");
    cr_assert_eq(chmod(scratch, 0500), 0);
    unlink(in_scratch("users.lock"));
    expect_err(EX_NOPERM, "", "user lock anna", "run it as root");
    cr_assert_eq(chmod(scratch, 0700), 0);
}

Test(user, a_users_file_in_no_folder)
{
    char text[256];

    snprintf(text, sizeof(text), "users = %s/none/users\nhomes = %s\n", scratch,
             world.homes);
    file_write(world.conf, text);
    expect_err(EX_CANTCREAT, PASSWORD, "user add anna",
               "make its directory first");
}

/* Settings of one user, and their form in the row. */
static const struct {
    const char *words;
    int code;
    const char *row; /* the end of the last column then */
} changes[] = {
    { "user change anna --data-binding address", 0,
      "rights=lr  on_conflict=version data_binding=session" },
    { "user change anna --data-binding default", 0,
      "rights=lr on_conflict=version data_binding=address" },
    { "user change anna --on-conflict reject --data-binding user", 0,
      "rights=lr on_conflict=version" },
    { "user change anna --on-conflict default", 0,
      "rights=lr on_conflict=reject data_binding=user" },
    { "user change anna", EX_USAGE, "rights=lr data_binding=user" },
    { "user change anna --data-binding none", EX_USAGE,
      "rights=lr data_binding=user" },
    { "user change anna --on-conflict swap", EX_USAGE,
      "rights=lr data_binding=user" },
    { "user change bob --data-binding user", EX_NOUSER,
      "rights=lr data_binding=user" },
};

Test(user, change)
{
    file_write(world.users, "#first\nanna:!:70005:70006:A B:/h::"
                            "rights=lr  on_conflict=version "
                            "data_binding=session\n#end\n");
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        char text[512];

        snprintf(text, sizeof(text),
                 "#first\nanna:!:70005:70006:A B:/h::%s\n#end\n",
                 changes[i].row);
        cr_expect_str_eq(file_text(world.users), text);
        expect_run(changes[i].code, "", changes[i].words);
    }
}

#define HEX32 "0123456789abcdef0123456789abcdef"
#define PAIRS                                                                  \
    "01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:"                         \
    "01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF"

/* The same for client certificates: the rules of a login are never half
 * changed. */
Test(user, certificate)
{
    static const struct {
        const char *words;
        int code;
        const char *row; /* the end of the last column then */
    } rows[] = {
        { "user change anna --login certificate", EX_DATAERR, "rights=lr" },
        { "user change anna --certificate email:a@example.org;dns:a.example", 0,
          "rights=lr" },
        { "user change anna --login certificate", EX_DATAERR,
          "rights=lr certificate=email:a@example.org;dns:a.example" },
        { "user change anna --certificate sha256:" PAIRS " --login certificate",
          0, "rights=lr certificate=email:a@example.org;dns:a.example" },
        { "user change anna --certificate default", EX_DATAERR,
          "rights=lr certificate=sha256:" HEX32 HEX32 " login=certificate" },
        { "user change anna --certificate sha256:01", EX_USAGE,
          "rights=lr certificate=sha256:" HEX32 HEX32 " login=certificate" },
        { "user change anna --certificate anna", EX_USAGE,
          "rights=lr certificate=sha256:" HEX32 HEX32 " login=certificate" },
        { "user change anna --login both", EX_USAGE,
          "rights=lr certificate=sha256:" HEX32 HEX32 " login=certificate" },
        { "user change anna --certificate default --login default", 0,
          "rights=lr certificate=sha256:" HEX32 HEX32 " login=certificate" },
        { "user show anna", 0, "rights=lr" },
    };

    file_write(world.users, "anna:!:70005:70006:A B:/h::rights=lr\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];

        snprintf(text, sizeof(text), "anna:!:70005:70006:A B:/h::%s\n",
                 rows[i].row);
        cr_expect_str_eq(file_text(world.users), text);
        expect_run(rows[i].code, "", rows[i].words);
    }
}

/* A user who must show a certificate can't log in if the server asks for
 * none. */
Test(user, a_certificate_that_nobody_asks_for)
{
    static const struct {
        const char *mode, *words;
        bool said;
    } rows[] = {
        { "off", "user add anna --certificate dns:anna.example", true },
        { "off", "user change anna --certificate dns:a.example", true },
        { "off", "user change anna --on-conflict rename", false },
        { "off", "user change anna --certificate default", false },
        { "off", "user add bert", false },
        { "request", "user change anna --certificate dns:a.example", false },
        { "require", "user add carl --certificate dns:c.example", false },
    };
    char conf[1024], text[1280];

    snprintf(conf, sizeof(conf), "%s", file_text(world.conf));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct run *r;

        snprintf(text, sizeof(text),
                 "%sclient_certificates = %s\nclient_ca = /ca.pem\n", conf,
                 rows[i].mode);
        file_write(world.conf, text);
        r = expect_run(0, PASSWORD, rows[i].words);
        cr_expect_eq(strstr(r->err, "nobody is asked for a certificate, so "
                                    "anna can't log in") != NULL,
                     rows[i].said, "%zu: %s", i, r->err);
    }
}

Test(user, words_of_a_new_user)
{
    const struct run *r;

    expect_run(0, PASSWORD,
               "user add anna --data-binding address --on-conflict rename "
               "--upload-eof announced");
    expect_run(0, PASSWORD, "user add bob --data-binding default");
    expect_run(EX_USAGE, PASSWORD, "user add eve --data-binding none");
    expect_run(EX_USAGE, PASSWORD, "user add eve --upload-eof none");
    cr_expect(strstr(file_text(world.users),
                     "::rights=full on_conflict=rename data_binding=address "
                     "upload_eof=announced\n"));
    r = expect_run(0, "", "user show anna");
    cr_expect(strstr(r->out, "conflict: rename\n"));
    cr_expect(strstr(r->out, "binding:  address\n"));
    cr_expect(strstr(r->out, "upload end: announced\n"));
    expect_out(0, "", "user show bob", "binding:  the server's setting\n");
    expect_out(0, "", "user list", "address");
    expect_out(0, "", "user show anna --json", "\"data_binding\": \"address\"");
    expect_out(0, "", "user show anna --json", "\"upload_eof\": \"announced\"");
    expect_run(0, "", "user change anna --upload-eof default");
    cr_expect_not(strstr(file_text(world.users), "upload_eof"));
}

Test(user, limits)
{
    const struct run *r;

    expect_run(0, PASSWORD,
               "user add anna --max-sessions 3 --max-transfers 2 "
               "--bandwidth-up 10M --bandwidth-down 0 --max-file-size 2G");
    cr_expect(strstr(file_text(world.users),
                     "::rights=full max_sessions=3 max_transfers=2 "
                     "bandwidth_up=10M bandwidth_down=0 max_file_size=2G\n"));
    r = expect_run(0, "", "user show anna");
    cr_expect(strstr(r->out, "\nlimits:   max_sessions 3, max_transfers 2, "
                             "bandwidth_up 10485760, bandwidth_down 0, "
                             "max_file_size 2147483648\n"));
    expect_run(0, "",
               "user change anna --max-sessions default --bandwidth-up "
               "64K");
    cr_expect(strstr(file_text(world.users),
                     "::rights=full max_transfers=2 bandwidth_down=0 "
                     "max_file_size=2G bandwidth_up=64K\n"));
    expect_out(0, "", "user show anna --json", "\"max_sessions\": null");
    expect_out(0, "", "user show anna --json", "\"bandwidth_up\": 65536");
    r = expect_run(EX_USAGE, "", "user change anna --max-sessions 0");
    cr_expect(strstr(r->err, "--max-sessions 0: expected a number from 1 to "
                             "20000"),
              "%s", r->err);
    expect_run(EX_USAGE, "", "user change anna --bandwidth-up 10x");
    expect_run(EX_USAGE, "", "user change anna --max-file-size");
}

Test(user, networks_and_hours)
{
    const struct run *r;

    expect_run(0, PASSWORD,
               "user add anna --networks 192.0.2.0/24,::1 --hours "
               "mon-fri/08:00-18:00,sat");
    cr_expect(strstr(file_text(world.users),
                     "::rights=full networks=192.0.2.0/24,::1 "
                     "hours=mon-fri/08:00-18:00,sat\n"));
    r = expect_run(0, "", "user show anna");
    cr_expect(strstr(r->out, "\nlimits:   networks 192.0.2.0/24,::1, hours "
                             "mon-fri/08:00-18:00,sat\n"));
    expect_run(0, "", "user change anna --networks default");
    expect_out(0, "", "user show anna --json", "\"networks\": null");
    expect_out(0, "", "user show anna --json",
               "\"hours\": \"mon-fri/08:00-18:00,sat\"");
    expect_run(EX_USAGE, "", "user change anna --networks localhost");
    expect_run(EX_USAGE, "", "user change anna --hours 8-18");
}

Test(user, list_and_show)
{
    const struct run *r;

    expect_out(0, "", "user list", "NAME");
    expect_run(0, PASSWORD, "user add anna --role collect");
    expect_run(0, "", "user lock anna");
    r = expect_run(0, "", "user list");
    cr_expect(strstr(r->out, "anna "));
    cr_expect(strstr(r->out, " 70000 collect  locked "));
    cr_expect_not(strstr(r->out, "$y$"));
    r = expect_run(0, "", "user show anna");
    cr_expect(strstr(r->out, "state:    locked\n"));
    cr_expect(strstr(r->out, "password: yescrypt\n"));
    cr_expect(strstr(r->out, "conflict: the server's setting\n"));
    cr_expect_not(strstr(r->out, "$y$"));
    expect_run(EX_NOUSER, "", "user show bob");
    expect_run(EX_NOUSER, "", "user show bob --json");
}

Test(user, json)
{
    json_t *list, *one;

    file_write(world.users, "anna:!:70000:70001:\"A\xc3\xa4\\:/h::rights=lr\n"
                            "bob:*:4294967294:2:bad \xff byte:/i::\n");
    list = json_loads(expect_run(0, "", "user list --json")->out, 0, NULL);
    cr_assert_not_null(list);
    cr_assert_eq(json_array_size(list), 2);
    one = json_array_get(list, 0);
    cr_expect_str_eq(json_string_value(json_object_get(one, "name")), "anna");
    cr_expect_str_eq(json_string_value(json_object_get(one, "comment")),
                     "\"A\xc3\xa4\\");
    cr_expect_eq(json_integer_value(json_object_get(one, "gid")), 70001);
    cr_expect(json_is_true(json_object_get(one, "locked")));
    cr_expect_str_eq(json_string_value(json_object_get(one, "rights")), "read");
    cr_expect_str_eq(json_string_value(json_object_get(one, "password")),
                     "none");
    one = json_array_get(list, 1);
    cr_expect_eq(json_integer_value(json_object_get(one, "uid")), 4294967294);
    cr_expect_str_eq(json_string_value(json_object_get(one, "comment")),
                     "bad ? byte");
    json_decref(list);
    one = json_loads(expect_run(0, "", "user show anna --json")->out, 0, NULL);
    cr_assert_not_null(one);
    cr_expect_eq(json_object_size(one), 29);
    cr_expect(json_is_null(json_object_get(one, "on_conflict")));
    cr_expect(json_is_null(json_object_get(one, "data_binding")));
    json_decref(one);
    cr_expect_str_eq(
        (unlink(world.users), expect_run(0, "", "user list --json")->out),
        "[]\n");
}

Test(user, on_conflict)
{
    json_t *one;

    file_write(world.users, "anna:!:70000:70000::/h::on_conflict=rename\n");
    expect_out(0, "", "user show anna", "conflict: rename\n");
    one = json_loads(expect_run(0, "", "user show anna --json")->out, 0, NULL);
    cr_assert_not_null(one);
    cr_expect_str_eq(json_string_value(json_object_get(one, "on_conflict")),
                     "rename");
    json_decref(one);
}

/* Prints the good rows and all mistakes, and fails. */
Test(user, list_of_a_file_with_mistakes)
{
    const struct run *r;
    json_t *list;

    file_write(world.users, "anna:!:70000:70000::/h::\n"
                            "bert:x:70001:70001::/i::\n"
                            "carl:!:70002:70002::/j::rights=q\n"
                            "dora:!:70003:70003::/k::\n");
    r = expect_run(EX_DATAERR, "", "user list");
    cr_expect_not_null(strstr(r->out, "anna "), "%s", r->out);
    cr_expect_not_null(strstr(r->out, "dora "), "%s", r->out);
    cr_expect_null(strstr(r->out, "bert "), "%s", r->out);
    cr_expect_not_null(strstr(r->err, "/users:2: the hash"), "%s", r->err);
    cr_expect_not_null(strstr(r->err, "/users:3: rights=q"), "%s", r->err);
    cr_expect_not_null(strstr(r->err, "/users: 2 mistakes; the server takes"),
                       "%s", r->err);
    r = expect_run(EX_DATAERR, "", "user list --json");
    list = json_loads(r->out, 0, NULL);
    cr_assert_not_null(list, "%s", r->out);
    cr_expect_eq(json_array_size(list), 2);
    json_decref(list);
    file_write(world.users, "bert:x:70001:70001::/i::\n");
    r = expect_run(EX_DATAERR, "", "user list");
    cr_expect_str_eq(r->out, "");
    cr_expect_not_null(strstr(r->err, "/users: 1 mistake; "), "%s", r->err);
}

#define FINISHED "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"

static struct user row_of(const char *name, struct users *u)
{
    const struct user *user;

    load(u);
    user = users_find(u, slice_from(name));
    cr_assert_not_null(user);
    return *user;
}

Test(user, add_with_a_finished_hash)
{
    static const struct {
        const char *hash, *words;
    } refused[] = {
        { "abJnggxhB/yWI\n", "isn't supported (it is DES); this user needs a "
                             "new password" },
        { "$argon2id$v=19$m=65536,t=2,p=1$c2FsdA$aGFzaA\n",
          "isn't supported (it is Argon2); this user needs a new password" },
        { "$apr1$saltsalt$0123456789abcdefghijkl\n",
          "isn't supported (it is Apache's MD5); this user needs" },
    };

    struct users u;

    expect_run(0, FINISHED "\n", "user add anna --hash-stdin --gid 4711");
    cr_expect_str_eq(row_of("anna", &u).hash, FINISHED);
    users_release(&u);
    cr_expect_eq(row_of("anna", &u).gid, 4711);
    users_release(&u);
    expect_run(EX_DATAERR, "correct horse\n", "user add bert --hash-stdin");
    expect_run(EX_DATAERR, "!" FINISHED "\n", "user add bert --hash-stdin");
    expect_run(EX_DATAERR, "\n", "user add bert --hash-stdin");
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        cr_expect(strstr(expect_run(EX_DATAERR, refused[i].hash,
                                    "user add bert --hash-stdin")
                             ->err,
                         refused[i].words));
    cr_expect_not(files_exists(in(world.homes, "bert")));
}

Test(user, change_of_every_column)
{
    struct users u;
    struct user row;

    expect_run(0, PASSWORD, "user add anna --data-binding address");
    expect_run(0, "", "user change anna --comment Accounts --role read");
    row = row_of("anna", &u);
    cr_expect_str_eq(row.comment, "Accounts");
    cr_expect_eq(row.rights, RIGHT_LIST | RIGHT_READ);
    cr_expect_neq(row.choice[CHOICE_BINDING], 0);
    users_release(&u);
    expect_run(0, FINISHED "\n", "user change anna --hash-stdin --role lw");
    row = row_of("anna", &u);
    cr_expect_str_eq(row.hash, FINISHED);
    cr_expect_eq(row.rights, RIGHT_LIST | RIGHT_WRITE);
    cr_expect_str_eq(row.comment, "Accounts");
    users_release(&u);
    expect_run(0, "", "user change anna --gid 12345 --data-binding default");
    row = row_of("anna", &u);
    cr_expect_eq(row.uid, 70000);
    cr_expect_eq(row.gid, 12345);
    cr_expect_eq(row.choice[CHOICE_BINDING], 0);
    users_release(&u);
}

/* The administrator must move the files: the output says so. */
Test(user, change_of_uid_and_home)
{
    struct users u;
    struct user row;
    const struct run *r;
    char words[256];

    expect_run(0, PASSWORD, "user add anna");
    expect_run(0, PASSWORD, "user add bert");
    snprintf(words, sizeof(words), "user change anna --home %s --uid 70005",
             in(world.homes, "new"));
    r = expect_run(0, "", words);
    cr_expect(strstr(r->err, "the files stay in "));
    cr_expect(strstr(r->err, "run: chown -Rh 70005:70005 "));
    row = row_of("anna", &u);
    cr_expect_eq(row.uid, 70005);
    cr_expect_eq(row.gid, 70005);
    cr_expect_str_eq(row.home, in(world.homes, "new"));
    users_release(&u);
    expect_mode(in(world.homes, "new"), 0700);
    cr_expect(files_exists(in(world.homes, "anna")));
    expect_out(0, PASSWORD, "user add carl", "uid 70002");
}

/* Of --local-group, whose local programs go on in the new home. */
Test(user, change_keeps_the_group_of_the_home)
{
    char words[256];
    struct stat st;

    if (geteuid() != 0)
        world_skip("only root gives a home to a group");
    expect_run(0, PASSWORD, "user add anna");
    cr_assert_eq(chown(in(world.homes, "anna"), 70000, 5555), 0);
    cr_assert_eq(chmod(in(world.homes, "anna"), 02750), 0);
    snprintf(words, sizeof(words), "user change anna --home %s --uid 70005",
             in(world.homes, "new"));
    expect_run(0, "", words);
    cr_assert_eq(stat(in(world.homes, "new"), &st), 0);
    cr_expect_eq(st.st_uid, 70005);
    cr_expect_eq(st.st_gid, 5555);
    cr_expect_eq(st.st_mode & 07777, 02750);
    /* A home that the user's own group may read is no such one. */
    cr_assert_eq(chown(in(world.homes, "new"), 70005, 70005), 0);
    snprintf(words, sizeof(words), "user change anna --home %s",
             in(world.homes, "own"));
    expect_run(0, "", words);
    expect_mode(in(world.homes, "own"), 0700);
}

/* The line is too long, not the file. */
Test(user, change_to_a_line_that_is_too_long)
{
    char words[512];

    snprintf(words, sizeof(words),
             "user change anna --certificate sha256:%064d", 1);
    for (int i = 0; i < 4; i++)
        snprintf(words + strlen(words), 96, ";sha256:%064d", i);
    file_write(world.users, "anna:!:70000:70000::/h::networks=");
    for (int i = 0; i < 360; i++) {
        int fd = open(world.users, O_WRONLY | O_APPEND);

        cr_assert_geq(dprintf(fd, "%s10.0.%d.1%s", i ? "," : "", i % 256,
                              i == 359 ? "\n" : ""),
                      0);
        close(fd);
    }
    expect_err(EX_DATAERR, "", words,
               "the changed users file:1: longer than 4096 bytes");
}

Test(user, change_that_is_refused)
{
    char words[256], *before;

    expect_run(0, PASSWORD, "user add anna");
    expect_run(0, PASSWORD, "user add bert");
    before = strdup(file_text(world.users));
    expect_run(EX_DATAERR, "", "user change bert --uid 70000");
    expect_run(EX_USAGE, "", "user change bert --uid 5");
    expect_run(EX_USAGE, "", "user change bert --gid 0");
    expect_run(EX_USAGE, "", "user change bert --role nosuch");
    expect_run(EX_USAGE, "", "user change bert --comment a:b");
    expect_run(EX_USAGE, "", "user change bert --home relative");
    snprintf(words, sizeof(words), "user change bert --home %s",
             in(world.homes, "anna/in"));
    expect_run(EX_DATAERR, "", words);
    expect_run(EX_DATAERR, "nonsense\n", "user change bert --hash-stdin");
    expect_err(EX_DATAERR,
               "$2b$16$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzA\n",
               "user change bert --hash-stdin", "its cost is so high");
    expect_run(EX_USAGE, "", "user change bert");
    expect_run(EX_NOUSER, "", "user change carl --role read");
    cr_expect_str_eq(file_text(world.users), before);
    free(before);
}

Test(user, change_of_the_hash_keeps_the_lock)
{
    struct users u;

    expect_run(0, PASSWORD, "user add anna");
    expect_run(0, "", "user lock anna");
    expect_run(0, FINISHED "\n", "user change anna --hash-stdin");
    cr_expect(row_of("anna", &u).locked);
    users_release(&u);
    expect_run(0, "", "user unlock anna");
    cr_expect_str_eq(row_of("anna", &u).hash, FINISHED);
    users_release(&u);
}

/* Lines as an editor of Windows writes them. */
Test(user, line_ends_of_windows)
{
    struct users u;
    struct user row;
    char text[2048];

    snprintf(text, sizeof(text),
             "\xef\xbb\xbf"
             "anna:" FINISHED ":70000:70000::%s/anna::rights=full\r\n\r\n"
             "bert:" FINISHED ":70001:70001::%s/bert::data_binding=user\r\n",
             world.homes, world.homes);
    file_write(world.users, text);
    expect_run(0, "", "user change anna --role read --on-conflict reject");
    expect_run(0, "", "user change bert --comment Bert --role lr");
    row = row_of("anna", &u);
    cr_expect_neq(row.choice[CHOICE_CONFLICT], 0);
    cr_expect_eq(row.rights, RIGHT_LIST | RIGHT_READ);
    users_release(&u);
    row = row_of("bert", &u);
    cr_expect_str_eq(row.comment, "Bert");
    cr_expect_neq(row.choice[CHOICE_BINDING], 0);
    users_release(&u);
    cr_expect(
        strstr(file_text(world.users), "on_conflict=reject\r\n\r\nbert:"));
    expect_run(0, "", "user del anna");
    cr_expect_eq(strncmp(file_text(world.users), "\r\nbert:", 7), 0);
}

/* The kernel's limit is that of the old uid, on the old disk. */
Test(user, change_leaves_a_quota_behind)
{
    char text[512], words[256];

    snprintf(text, sizeof(text),
             "anna:!:70000:70000::%s::rights=full quota=1000000 "
             "quota_files=7\n",
             in(world.homes, "anna"));
    file_write(world.users, text);
    expect_err(0, "", "user change anna --uid 70005",
               "; mend that, and run: sallyportctl quota set anna 1000000 "
               "--files 7");
    snprintf(words, sizeof(words), "user change anna --home %s",
             in(world.homes, "b"));
    expect_err(0, "", words, "the kernel doesn't limit anna now: anna: ");
    cr_expect_null(strstr(
        expect_run(0, "", "user change anna --comment x")->err, "quota"));
}
