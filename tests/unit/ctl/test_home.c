/* Homes on dead disks, and their removal, although links and other users'
 * files are in the way; cases/home.txt has how they are made. */
#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "ctl/edit/edit.h"
#include "world.h"

TestSuite(home, .init = world_make, .fini = scratch_remove);

#define PASSWORD "correct horse\n"

Test(home, beneath)
{
    cr_expect(user_path_within("/srv/a", "/srv"));
    cr_expect(user_path_within("/srv", "/srv"));
    cr_expect(user_path_within("/srv", ""));
    cr_expect_not(user_path_within("/srvx", "/srv"));
    cr_expect_not(user_path_within("/sr", "/srv"));
}

/* A directory whose links are resolved serves all paths in it. */
Test(home, what_is_known_of_links)
{
    static const char *const names[] = {
        "",       "/real",          "/real/a",          "/real/b",
        "/real-", "/real/link",     "/real/link/x",     "/real/new/x",
        "/way",   "/way/a",         "/way/new/x",       "/way/link",
        "/new",   "/real/dangling", "/real/dangling/x", "/new/x/y",
        "/loop",  "/loop/x",        "/real/a/file",     "/real/a/file/x",
    };
    static const size_t count = sizeof(names) / sizeof(names[0]);
    const char *path[sizeof(names) / sizeof(names[0]) + 1] = { "/" };
    char text[sizeof(names) / sizeof(names[0])][256];
    char real[PATH_MAX], known[PATH_MAX];
    const struct users none = { .count = 0 };
    struct context x = { .lock_fd = 0 };

    cr_assert_eq(mkdir(in_scratch("real"), 0755), 0);
    cr_assert_eq(mkdir(in_scratch("real/a"), 0755), 0);
    file_write(in_scratch("real/a/file"), "");
    cr_assert_eq(symlink("real", in_scratch("way")), 0);
    cr_assert_eq(symlink("a", in_scratch("real/link")), 0);
    cr_assert_eq(symlink("../new", in_scratch("real/dangling")), 0);
    cr_assert_eq(symlink("loop", in_scratch("loop")), 0);
    for (size_t i = 0; i < count; i++) {
        snprintf(text[i], sizeof(text[i]), "%s%s", scratch, names[i]);
        path[i + 1] = text[i];
    }
    known_fill(&x, &none, path, count + 1);
    for (size_t i = 0; i <= count; i++) {
        cr_assert(known_of(&x, path[i]), "%s", path[i]);
        place_resolve(path[i], real);
        known_resolve(&x, path[i], known);
        cr_expect_str_eq(known, real, "%s", path[i]);
    }
    known_release(&x);
}

/* Homes in the setting homes: its links are listed. With --home each one is
 * asked, and so is each one if there are too many links. */
static void expect_resolved(size_t links, const char *home)
{
    static char path[200][256];
    static struct user row[200];
    const struct users u = { .row = row, .count = 200 };
    const char *wanted = path[199];
    struct context x = { .args.home = home };
    char real[PATH_MAX], known[PATH_MAX];
    const struct known *one;

    snprintf(x.settings.homes, sizeof(x.settings.homes), "%s/homes", scratch);
    cr_assert_eq(mkdir(in_scratch("homes"), 0755), 0);
    cr_assert_eq(mkdir(in_scratch("homes/h190"), 0755), 0);
    for (size_t i = 0; i < 200; i++) {
        snprintf(path[i], sizeof(path[i]), "%s/homes/h%zu%s", scratch, i,
                 i == 150 ? "/in" : "");
        row[i].home = path[i];
        if (i < links)
            cr_assert_eq(symlink(i % 2 ? "h190" : "missing", path[i]), 0);
    }
    known_fill(&x, &u, &wanted, 1);
    for (size_t i = 0; i < 200; i++) {
        place_resolve(path[i], real);
        known_resolve(&x, path[i], known);
        cr_expect_str_eq(known, real, "%s", path[i]);
    }
    one = known_of(&x, path[190]);
    cr_assert(one);
    cr_expect_eq(one->directory, home || links > 64);
    known_release(&x);
}

Test(home, links_that_are_listed)
{
    expect_resolved(0, NULL);
}

Test(home, links_among_homes)
{
    expect_resolved(64, NULL);
}

Test(home, too_many_links_to_list)
{
    expect_resolved(65, NULL);
}

Test(home, owners_of_homes)
{
    expect_resolved(3, "/h");
}

/* This program's functions replace libc's: those of a directory "dead" don't
 * return. */
static void die_with(const char *path)
{
    while (strstr(path, "dead"))
        pause();
}

char *realpath(const char *path, char *out)
{
    char *(*real)(const char *, char *) =
        (char *(*)(const char *, char *))dlsym(RTLD_NEXT, "realpath");

    die_with(path);
    return real(path, out);
}

/* The same of _FORTIFY_SOURCE. */
char *__realpath_chk(const char *path, char *out, size_t size);
char *__realpath_chk(const char *path, char *out, size_t size)
{
    (void)size;
    return realpath(path, out);
}

int lstat(const char *path, struct stat *st)
{
    die_with(path);
    return fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

int mkdirat(int directory, const char *name, mode_t mode)
{
    die_with(name);
    return (int)syscall(SYS_mkdirat, directory, name, mode);
}

/* One dead disk: each command about others works, and holds no lock while it
 * waits. */
Test(home, a_dead_disk, .timeout = 60)
{
    char words[256], row[256];
    struct run r;
    pid_t pid;

    disk_ms = 200;
    disk_locked_ms = 2000;
    expect_run(0, PASSWORD, "user add anna");
    snprintf(row, sizeof(row), "%sbob:!:70050:70050::%s::\n",
             file_text(world.users), in(world.homes, "dead/bob"));
    file_write(world.users, row);
    expect_err(0, "", "share add s",
               "/dead/bob doesn't answer; of directories");
    expect_run(0, PASSWORD, "user add carl");
    snprintf(words, sizeof(words), "user change carl --home %s",
             in(world.homes, "c2"));
    expect_run(0, "", words);
    file_write(in_scratch("old"), "emil:!:1:1::/x:/bin/sh\n");
    snprintf(words, sizeof(words), "user import %s --format proftpd",
             in_scratch("old"));
    expect_out(0, "", words, "1 imported");
    expect_run(0, "", "user del carl --purge --yes");
    /* The names still count. */
    snprintf(words, sizeof(words), "user add dora --home %s/in",
             in(world.homes, "dead/bob"));
    expect_err(EX_DATAERR, PASSWORD, words, "overlaps the home of bob");
    expect_run(0, "", "user del bob");
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        run_ctl(&r, PASSWORD, "user add bob-is-dead");
        _exit(r.code == EX_TEMPFAIL &&
                      strstr(r.err, "dead: the disk doesn't answer")
                  ? 0
                  : 1);
    }
    for (int i = 0; i < 4; i++)
        expect_run(0, "", i % 2 ? "user unlock anna" : "user lock anna");
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(status, 0);
    cr_expect_null(strstr(file_text(world.users), "bob-is-dead"));
    /* An import waits once, not for each user. */
    file_write(in_scratch("old"), "fay-dead:!:1:1::/x:/bin/sh\n"
                                  "gil-dead:!:1:1::/y:/bin/sh\n");
    snprintf(words, sizeof(words), "user import %s --format proftpd",
             in_scratch("old"));
    expect_err(EX_TEMPFAIL, "", words, "-dead: the disk doesn't answer");
    cr_expect_null(strstr(file_text(world.users), "-dead"));
}

/* The disk of the users file is dead: nobody can be locked, and the command
 * ends with what is possible. */
Test(home, a_lock_on_a_dead_disk)
{
    char text[1024];

    ctl_deadline_ms = 300;
    snprintf(text, sizeof(text), "#%susers = %s\n", file_text(world.conf),
             in_scratch("dead"));
    expect_run(0, PASSWORD, "user add anna");
    expect_out(0, "", "user lock anna", "user anna: locked\n");
    expect_err(EX_NOUSER, "", "user lock bob", "there is no user bob");
    file_write(world.conf, text);
    expect_err(EX_TEMPFAIL, "", "user lock anna",
               "run: sallyportctl kick anna");
}

static int has_descriptor(void *shared)
{
    return fcntl(*(int *)shared, F_GETFD) >= 0;
}

static int has_descriptor_of(struct context *x, void *data)
{
    (void)x;
    return has_descriptor(data);
}

/* If the command is killed, one that hangs on a dead disk doesn't keep the
 * lock. */
Test(home, a_fork_does_not_have_the_lock)
{
    struct context x = { .lock_fd = 0 };
    struct edit e;
    int *fd = disk_share(sizeof(*fd));

    cr_assert(fd);
    cr_assert_eq(edit_open(&e, world.users, 0, NULL, &x.complaint), 0);
    *fd = e.file.lock_fd;
    cr_expect_eq(disk_run(has_descriptor, fd, disk_ms), 1);
    x.lock_fd = *fd;
    cr_expect_eq(disk_run_locked(&x, has_descriptor_of, fd, sizeof(*fd), "/h"),
                 0);
    cr_expect(fcntl(*fd, F_GETFD) >= 0);
    edit_release(&e);
}

static int purge_of(const char *home, uid_t uid, struct complaint *c)
{
    struct removed p;
    int code;

    c->text[0] = '\0';
    code = removed_open(&p, home, world.homes, uid, c);
    if (code == 0)
        code = removed_rename(&p, c);
    if (code == 0)
        code = removed_empty(&p, c);
    removed_undo(&p);
    removed_close(&p);
    return code;
}

static int purge(const char *home, struct complaint *c)
{
    return purge_of(home, geteuid(), c);
}

static void make_homes(void)
{
    cr_assert_eq(mkdir(world.homes, 0711), 0);
    cr_assert_eq(mkdir(in(world.homes, "anna"), 0700), 0);
}

/* Makes directories in directories, DEPTH of them, with a file in each. */
static void make_deep(const char *top, int depth)
{
    int fd = open(top, O_RDONLY | O_DIRECTORY);

    for (int i = 0; i < depth; i++) {
        int next, file = openat(fd, "file", O_WRONLY | O_CREAT, 0600);

        cr_assert_geq(file, 0);
        close(file);
        cr_assert_eq(mkdirat(fd, "deeper", 0700), 0);
        next = openat(fd, "deeper", O_RDONLY | O_DIRECTORY);
        cr_assert_geq(next, 0);
        close(fd);
        fd = next;
    }
    close(fd);
}

Test(home, purge_goes_deep)
{
    struct complaint c;

    make_homes();
    /* beyond PATH_MAX, and beyond a process's descriptors */
    make_deep(in(world.homes, "anna"), 1100);
    cr_expect_eq(purge(in(world.homes, "anna"), &c), 0, "%s", c.text);
    cr_expect_not(files_exists(in(world.homes, "anna")));
    cr_expect(files_exists(world.homes));
}

Test(home, purge_removes_links_and_not_what_they_lead_to)
{
    struct complaint c;

    make_homes();
    cr_assert_eq(mkdir(in_scratch("victim"), 0700), 0);
    file_write(in_scratch("victim/file"), "x");
    cr_assert_eq(symlink("../../victim", in(world.homes, "anna/link")), 0);
    cr_assert_eq(symlink("../../victim/file", in(world.homes, "anna/f")), 0);
    cr_assert_eq(mkfifo(in(world.homes, "anna/fifo"), 0600), 0);
    cr_expect_eq(purge(in(world.homes, "anna"), &c), 0, "%s", c.text);
    cr_expect_str_eq(file_text(in_scratch("victim/file")), "x");
}

Test(home, purge_refuses)
{
    struct complaint c;

    make_homes();
    cr_assert_eq(mkdir(in_scratch("other"), 0700), 0);
    cr_assert_eq(symlink("anna", in(world.homes, "link")), 0);
    cr_assert_eq(symlink("../other", in(world.homes, "way")), 0);
    cr_assert_eq(mkdir(in_scratch("other/bob"), 0700), 0);
    cr_expect_eq(purge(in_scratch("other"), &c), EX_CANTCREAT);
    cr_expect(strstr(c.text, "isn't beneath "));
    cr_expect_eq(purge(world.homes, &c), EX_CANTCREAT);
    cr_expect_eq(purge(in(world.homes, "link"), &c), EX_CANTCREAT);
    cr_expect_eq(purge(in(world.homes, "way/bob"), &c), EX_CANTCREAT);
    cr_expect_eq(purge(in(world.homes, "none"), &c), EX_CANTCREAT);
    cr_expect(files_exists(in(world.homes, "anna")));
    cr_expect(files_exists(in_scratch("other/bob")));
}

Test(home, purge_refuses_what_is_somebody_elses)
{
    struct complaint c = { .text = "" };

    if (geteuid() != 0)
        world_skip("root's part");
    make_homes();
    cr_expect_eq(purge_of(in(world.homes, "anna"), 70000, &c), EX_CANTCREAT);
    cr_expect(strstr(c.text, "belongs to another uid"));
    cr_expect(files_exists(in(world.homes, "anna")));
}

/* A bind mount has the device number of the home itself. HIDDEN_BY hides it
 * from the first check; without that nothing at all is removed. */
static void purge_with_a_mount(const char *mount_point, const char *hidden_by)
{
    struct complaint c;

    if (geteuid() != 0 || unshare(CLONE_NEWNS) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        world_skip("root's part");
    make_homes();
    cr_assert_eq(mkdir(in_scratch("victim"), 0700), 0);
    file_write(in_scratch("victim/file"), "x");
    file_write(in(world.homes, "anna/own"), "y");
    if (!files_exists(in(world.homes, mount_point)))
        cr_assert_eq(mkdir(in(world.homes, mount_point), 0700), 0);
    cr_assert_eq(mount(in_scratch("victim"), in(world.homes, mount_point), NULL,
                       MS_BIND, NULL),
                 0);
    if (hidden_by)
        cr_assert_eq(
            mount(hidden_by, "/proc/self/mountinfo", NULL, MS_BIND, NULL), 0);
    cr_expect_eq(purge(in(world.homes, "anna"), &c), EX_CANTCREAT);
    cr_expect_not_null(strstr(c.text, "something is mounted in it"), "%s",
                       c.text);
    cr_expect_eq(umount(in(world.homes, mount_point)), 0);
    cr_expect_str_eq(file_text(in_scratch("victim/file")), "x");
    if (!hidden_by)
        cr_expect_str_eq(file_text(in(world.homes, "anna/own")), "y");
}

Test(home, purge_looks_for_mounts_first)
{
    purge_with_a_mount("anna/a b", NULL);
}

Test(home, purge_of_a_mount)
{
    purge_with_a_mount("anna", NULL);
}

/* Mounted after the first check. */
Test(home, purge_enters_no_mount)
{
    purge_with_a_mount("anna/a", "/dev/null");
}

/* Swaps a directory and a link that leads out, all the time, as a user
 * could. */
static void swap_for_ever(const char *home)
{
    if (chdir(home))
        _exit(1);
    for (;;) {
        if (mkdir("a", 0700) == 0)
            (void)!mkdir("a/b", 0700);
        (void)!rename("a", "x");
        (void)!symlink("../../victim", "a");
        (void)!unlink("a");
        (void)!rmdir("x/b");
        (void)!rmdir("x");
    }
}

Test(home, purge_against_a_swapper)
{
    struct complaint c;
    pid_t pid;

    make_homes();
    cr_assert_eq(mkdir(in_scratch("victim"), 0700), 0);
    file_write(in_scratch("victim/file"), "x");
    pid = fork();
    if (pid == 0)
        swap_for_ever(in(world.homes, "anna"));
    for (int i = 0; i < 200 && files_exists(in(world.homes, "anna")); i++)
        (void)purge(in(world.homes, "anna"), &c);
    cr_assert_eq(kill(pid, SIGKILL), 0);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    cr_expect_str_eq(file_text(in_scratch("victim/file")), "x");
}
