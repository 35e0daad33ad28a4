/* Homes on dead disks, and the removal of homes that have links and other
 * users' files. cases/home.txt tests how homes are made. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "ctl/edit/edit.h"
#include "ctl/edit/purge.h"
#include "world.h"

TestSuite(home, .init = world_make, .fini = scratch_remove);

#define PASSWORD "correct horse\n"

/* These functions replace libc's. They don't return if the path contains
 * "is-dead", which no name of a scratch directory can. */
static void die_with(const char *path)
{
    while (strstr(path, "is-dead"))
        pause();
}

char *realpath(const char *path, char *out)
{
    char *(*real)(const char *, char *) =
        (char *(*)(const char *, char *))dlsym(RTLD_NEXT, "realpath");

    die_with(path);
    return real(path, out);
}

/* The name of realpath() if _FORTIFY_SOURCE is defined. */
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

static bool folds; /* the disk folds case */

/* Returns PATH as the disk that folds stores it. */
static const char *folded(const char *path)
{
    static const char *const names[][2] = { { "Anna", "anna" },
                                            { "\u00c4rzte", "\u00e4rzte" } };
    static char out[PATH_MAX];
    char *at;

    for (int i = 0; folds && i < 2; i++)
        if (strstr(path, names[i][0])) {
            snprintf(out, sizeof(out), "%s", path);
            at = strstr(out, names[i][0]);
            memcpy(at, names[i][1], strlen(names[i][1]));
            return out;
        }
    return path;
}

int mkdirat(int directory, const char *name, mode_t mode)
{
    die_with(name);
    return (int)syscall(SYS_mkdirat, directory, folded(name), mode);
}

/* Replaces libc's, which calls openat2(2). The process files calls it in its
 * sandbox, where the sanitizers' own code can't run. */
__attribute__((no_sanitize("address", "undefined"))) long syscall(long number,
                                                                  ...)
{
    static long (*real)(long, ...); /* found before a sandbox begins */
    long more[6];
    va_list args;

    if (!real)
        real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    va_start(args, number);
    for (int i = 0; i < 6; i++)
        more[i] = va_arg(args, long);
    va_end(args);
    if (number == SYS_openat2)
        more[1] = (long)folded((const char *)more[1]);
    return real(number, more[0], more[1], more[2], more[3], more[4], more[5]);
}

static bool clock_stands;
static time_t seconds = 1000; /* that it shows then */

/* Replaces libc's clock_gettime(): if the clock stands, only the answer of a
 * slow disk moves it. */
int clock_gettime(clockid_t clock, struct timespec *ret)
{
    if (!clock_stands)
        return (int)syscall(SYS_clock_gettime, clock, ret);
    *ret = (struct timespec){ .tv_sec = seconds };
    return 0;
}

int openat(int directory, const char *name, int flags, ...)
{
    va_list args;

    seconds += clock_stands && strstr(name, "is-slow");
    die_with(name);
    va_start(args, flags);
    const mode_t mode =
        flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
    va_end(args);
    return (int)syscall(SYS_openat, directory, folded(name), flags, mode);
}

ssize_t lgetxattr(const char *path, const char *name, void *value, size_t size)
{
    if (strstr(path, "is-dead"))
        file_write(in_scratch("asked"), path + strlen(path) - 1);
    die_with(path);
    return syscall(SYS_lgetxattr, path, name, value, size);
}

static bool homes_come;

/* Replaces libc's access(): another command makes the homes just before. */
int access(const char *path, int mode)
{
    if (homes_come && strcmp(path, world.homes) == 0)
        mkdir(path, 0711);
    return faccessat(AT_FDCWD, path, mode, 0);
}

/* Two first users are added at the same time. */
Test(home, another_command_makes_the_homes)
{
    homes_come = true;
    expect_run(0, PASSWORD, "user add anna");
}

/* If one disk is dead, each command about other homes works. A command about a
 * home there says so, and doesn't keep the lock. */
Test(home, a_dead_disk, .timeout = 300)
{
    char words[512], row[1024];
    struct run r;
    pid_t pid;

    disk_ms = 5000;
    expect_run(0, PASSWORD, "user add anna");
    snprintf(row, sizeof(row), "%sbob:!:70050:70050::%s::uploads=3\n",
             file_text(world.users), in(world.homes, "is-dead/bob"));
    file_write(world.users, row);
    expect_run(0, "", "share add s");
    expect_run(0, PASSWORD, "user add carl");
    snprintf(words, sizeof(words), "user change carl --home %s",
             in(world.homes, "c2"));
    expect_run(0, "", words);
    file_write(in_scratch("new"), "emil:*::::::\n");
    snprintf(words, sizeof(words), "user import %s", in_scratch("new"));
    expect_out(0, "", words, "1 imported");
    expect_run(0, "", "user del carl --purge --yes");
    expect_out(0, "", "user list", "/is-dead/bob");
    expect_out(0, "", "user list --json", "\"bob\"");
    expect_out(0, "", "user show bob", "is-dead/bob");
    expect_out(0, "", "quota list", "bob ");
    /* The paths on the dead disk still count. */
    snprintf(words, sizeof(words), "user add dora --home %s/in",
             in(world.homes, "is-dead/bob"));
    expect_err(EX_DATAERR, PASSWORD, words, "overlaps the home of bob");
    expect_run(0, "", "user del bob --waiting");
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        run_ctl(&r, PASSWORD, "user add bob-is-dead");
        _exit(r.code == EX_TEMPFAIL && strstr(r.err, "doesn't answer") ? 0 : 1);
    }
    for (int i = 0; i < 4; i++)
        expect_run(0, "", i % 2 ? "user unlock anna" : "user lock anna");
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(status, 0);
    cr_expect_null(strstr(file_text(world.users), "bob-is-dead"));
    /* An import waits once, not for each user. */
    file_write(in_scratch("new"), "fay-is-dead:*::::::\ngil-is-dead:*::::::\n");
    snprintf(words, sizeof(words), "user import %s", in_scratch("new"));
    expect_err(EX_TEMPFAIL, "", words, "doesn't answer");
    cr_expect_null(strstr(file_text(world.users), "-is-dead"));
}

/* A disk that hangs takes time once, and only its own homes have no answer. */
Test(home, a_list_beside_a_dead_disk, .timeout = 60)
{
    const char *dead = in(world.homes, "dead");
    char text[1024];

    if (!mounts_own())
        world_skip("root's part");
    cr_assert_eq(mkdir(world.homes, 0711), 0);
    cr_assert_eq(mkdir(dead, 0711), 0);
    cr_assert_eq(mount("none", dead, "tmpfs", 0, "mode=711"), 0);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(
            mkdir(in(world.homes, (char[]){ (char)('a' + i), 0 }), 0700), 0);
    snprintf(text, sizeof(text),
             "a:!:70000:70000::%s/a::uploads=1\n"
             "x:!:70001:70001::%s/dead/is-dead-x::uploads=1\n"
             "b:!:70002:70002::%s/b::uploads=1\n"
             "y:!:70003:70003::%s/dead/is-dead-y::uploads=1\n"
             "c:!:70004:70004::%s/c::uploads=1\n",
             world.homes, world.homes, world.homes, world.homes, world.homes);
    file_write(world.users, text);
    disk_ms = 2000;
    json_t *all =
        json_loads(expect_run(0, "", "user list --json")->out, 0, NULL);
    cr_assert_eq(json_array_size(all), 5);
    for (size_t i = 0; i < 5; i++)
        cr_expect_eq(
            json_is_null(json_object_get(json_array_get(all, i), "files")),
            i % 2, "row %zu", i);
    json_decref(all);
    cr_expect_str_eq(file_text(in_scratch("asked")), "x");
    umount(dead);
}

static void note_fork(void)
{
    FILE *f = fopen(in_scratch("forks"), "a");

    putc('f', f);
    fclose(f);
}

/* A fork asks about the quotas of several homes on one disk. If the disk hangs,
 * the answers from before count. A slow disk doesn't hang. */
Test(home, quotas_beside_a_dead_disk, .timeout = 60)
{
    static const char *const homes[] = {
        "a", "b",         "c",         "dead/w",    "dead/is-dead-x", "dead/y",
        "d", "is-slow-1", "is-slow-2", "is-slow-3", "is-slow-4"
    };
    const size_t count = sizeof(homes) / sizeof(homes[0]);
    const char *dead = in(world.homes, "dead");
    char text[4096] = "";
    size_t len = 0;

    if (!mounts_own())
        world_skip("root's part");
    cr_assert_eq(mkdir(world.homes, 0711), 0);
    cr_assert_eq(mkdir(dead, 0711), 0);
    cr_assert_eq(mount("none", dead, "tmpfs", 0, "mode=711"), 0);
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len,
                                "u%zu:!:%zu:%zu::%s/%s::\n", i, 70000 + i,
                                70000 + i, world.homes, homes[i]);
    file_write(world.users, text);
    disk_ms = 2000;
    cr_assert_eq(pthread_atfork(NULL, note_fork, NULL), 0);
    clock_stands = true;
    json_t *all =
        json_loads(expect_run(0, "", "quota list --json")->out, 0, NULL);
    clock_stands = false;
    cr_assert_eq(json_array_size(all), count);
    for (size_t i = 0; i < count; i++)
        cr_expect_eq(strcmp(text_of(json_array_get(all, i), "note", ""),
                            "its disk doesn't answer") == 0,
                     i == 4 || i == 5, "row %zu", i);
    json_decref(all);
    /* The test's own one, one for each disk, and one for each slow answer. */
    cr_expect_str_eq(file_text(in_scratch("forks")), "fffffff");
    umount(dead);
}

static void answer_slowly(void *data)
{
    (void)data;
    poll(NULL, 0, 400);
}

/* Disks that answer don't use up the time for dead disks, since a list of many
 * homes asks many disks. */
Test(home, answers_are_no_silence)
{
    struct complaint why;
    char none = 0;

    disk_ms = 1500;
    for (int i = 0; i < 5; i++)
        cr_expect_eq(disk_try(answer_slowly, &none, 1, &why), 0, "%d: %s", i,
                     why.text);
}

/* If the disk of the users file is dead, no user can be locked. The command
 * says what is possible instead. */
Test(home, a_lock_on_a_dead_disk)
{
    char text[1024];

    snprintf(text, sizeof(text), "#%susers = %s\n", file_text(world.conf),
             in_scratch("is-dead"));
    expect_run(0, PASSWORD, "user add anna");
    expect_out(0, "", "user lock anna", "user anna: locked\n");
    expect_err(EX_NOUSER, "", "user lock bob", "there is no user bob");
    file_write(world.conf, text);
    ctl_deadline_ms = 300;
    expect_err(EX_TEMPFAIL, "", "user lock anna", world_command("kick anna"));
}

struct look {
    int fd;
    struct stat st;
};

static void look_for_lock(void *data)
{
    struct look *l = data;

    if (fstat(l->fd, &l->st))
        l->st = (struct stat){ .st_ino = 0 };
}

/* If the command is killed, a fork that hangs on a dead disk doesn't keep the
 * lock. */
Test(home, a_fork_does_not_have_the_lock)
{
    struct look l;
    struct stat lock;
    struct complaint why;

    file_write(in_scratch("lock"), "");
    l.fd = open(in_scratch("lock"), O_RDONLY);
    cr_assert_eq(fstat(l.fd, &lock), 0);
    ctl.lock_fd = l.fd;
    cr_expect_eq(disk_try(look_for_lock, &l, sizeof(l), &why), 0);
    ctl.lock_fd = 0;
    cr_expect_neq(l.st.st_ino, lock.st_ino);
    cr_expect_eq(fstat(l.fd, &lock), 0);
}

/* Removes a home. Runs in a fork, since a refusal ends the process. */
static void purge_now(void *data)
{
    struct removed *p = data;
    struct complaint why = { "" };

    p->parent_fd = p->top_fd = -1;
    removed_open(p, world.homes);
    removed_rename(p);
    if (removed_empty(p, false, &why))
        fail(EX_CANTCREAT, "%s", why.text);
}

static int purge_of(const char *home, uid_t uid, struct complaint *c)
{
    struct removed p = { .uid = uid };

    snprintf(p.path, sizeof(p.path), "%s", home);
    return disk_fork(purge_now, &p, sizeof(p), -1, true, c);
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

/* Makes DEPTH directories, each in the one before, with a file beside each. */
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
    /* more than PATH_MAX bytes, and more than a process has descriptors */
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

/* If anything is mounted in the home, nothing is removed. A bind mount has the
 * home's own device number, so the number doesn't show it. */
static void purge_with_a_mount(const char *mount_point)
{
    struct complaint c;

    if (!mounts_own())
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
    cr_expect_eq(purge(in(world.homes, "anna"), &c), EX_CANTCREAT);
    cr_expect_not_null(strstr(c.text, "something is mounted in it"), "%s",
                       c.text);
    cr_expect_eq(umount(in(world.homes, mount_point)), 0);
    cr_expect_str_eq(file_text(in_scratch("victim/file")), "x");
    cr_expect_str_eq(file_text(in(world.homes, "anna/own")), "y");
}

Test(home, purge_looks_for_mounts_first)
{
    purge_with_a_mount("anna/a b");
}

Test(home, purge_of_a_mount)
{
    purge_with_a_mount("anna");
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

/* Two spellings of a home, which are one on a disk that folds case. */
static const char *const twins[][2] = { { "anna", "Anna" },
                                        { "\u00e4rzte", "\u00c4rzte" } };

#define TWINS (sizeof(twins) / sizeof(twins[0]))

/* Runs "COMMAND FOLDER/NAME", which must end with CODE and say SAID. */
static void expect_in(int code, const char *command, const char *folder,
                      const char *name, const char *said)
{
    char words[2048];

    snprintf(words, sizeof(words), "%s %s/%s", command, folder, name);
    expect_err(code, PASSWORD, words, said);
}

/* On a disk that folds case, two names can lead to one directory. It belongs to
 * the first row; rows that name it twice remove nothing. */
Test(home, of_a_disk_that_folds_case)
{
    char one[1024], rows[2048], home[512], twin[512];

    for (size_t i = 0; i < TWINS; i++) {
        file_write(world.users, "# no users\n");
        folds = false;
        expect_in(0, "user add one --home", world.homes, twins[i][0], "");
        snprintf(one, sizeof(one), "%s", file_text(world.users));
        snprintf(home, sizeof(home), "%s/%s", world.homes, twins[i][0]);
        snprintf(twin, sizeof(twin), "%s/%s", world.homes, twins[i][1]);
        files_make_folder(in(home, "in"), 0700);
        file_write(in(home, "file"), "x");
        snprintf(rows, sizeof(rows), "%stwo:!:70050:70050::%s::\n", one, twin);
        folds = true;
        expect_in(EX_DATAERR, "user add two --home", world.homes, twins[i][1],
                  "the home of one is in ");
        file_write(world.users, rows);
        if (geteuid() == 0)
            cr_assert_eq(chown(home, 70050, 70050), 0);
        expect_err(EX_DATAERR, "", "user del two --purge --yes --waiting",
                   "the home of one is in ");
        cr_expect_str_eq(file_text(in(home, "file")), "x");
        snprintf(rows, sizeof(rows), "%stwo:!:70050:70050::%s/in::\n", one,
                 twin);
        file_write(world.users, rows);
        if (geteuid() == 0)
            cr_assert_eq(chown(in(home, "in"), 70050, 70050), 0);
        expect_err(EX_DATAERR, "", "user del two --purge --yes --waiting",
                   "/in is in the home of one, by ");
        cr_expect(files_exists(in(home, "in")));
    }
}

/* Nor does a home or share lie in another one by a path of other case. */
Test(home, in_another_one_of_a_disk_that_folds_case)
{
    static const char *const commands[] = {
        "user add bob --print-password --home", "user change eve --home",
        "share add docs --path", /* by root only */
    };

    expect_run(0, PASSWORD, "user add eve");
    for (size_t i = 0; i < TWINS; i++) {
        char twin[512];

        snprintf(twin, sizeof(twin), "%s/%s", world.homes, twins[i][1]);
        expect_in(0, i ? "user add two --home" : "user add one --home",
                  world.homes, twins[i][0], "");
        for (size_t n = 0; n < (geteuid() == 0 ? 3 : 2); n++) {
            folds = true;
            expect_in(EX_DATAERR, commands[n], twin, "new",
                      i ? "/new is in the home of two, by "
                        : "/new is in the home of one, by ");
            cr_expect_not(files_exists(folded(in(twin, "new"))));
            folds = false;
            expect_in(EX_CANTCREAT, commands[n], twin, "new",
                      "No such file or directory");
        }
    }
}

/* A path outside the homes can lead into another user's home by a link. */
Test(home, purge_of_a_home_that_has_another_one_by_a_link)
{
    char rows[1024];

    expect_run(0, PASSWORD, "user add team");
    cr_assert_eq(mkdir(in(world.homes, "team/data"), 0711), 0);
    cr_assert_eq(mkdir(in(world.homes, "team/data/anna"), 0700), 0);
    cr_assert_eq(symlink(in(world.homes, "team/data"), in_scratch("data")), 0);
    file_write(in_scratch("data/anna/file"), "x");
    snprintf(rows, sizeof(rows), "%sanna:!:70001:70001::%s::\n",
             file_text(world.users), in_scratch("data/anna"));
    file_write(world.users, rows);
    expect_err(EX_DATAERR, "", "user del team --purge --yes --waiting",
               "the home of anna is in ");
    cr_expect_str_eq(file_text(world.users), rows);
    cr_expect_str_eq(file_text(in_scratch("data/anna/file")), "x");
    expect_run(0, "", "user del anna --waiting");
    expect_run(0, "", "user del team --purge --yes --waiting");
    cr_expect_not(files_exists(in(world.homes, "team")));
}

/* The purge can't know whether such a path leads into the home if its disk
 * hangs; the message names that path. */
Test(home, purge_beside_a_dead_disk)
{
    char rows[1024];

    expect_run(0, PASSWORD, "user add anna");
    snprintf(rows, sizeof(rows), "%sbob:!:70050:70050::%s::\n",
             file_text(world.users), in_scratch("bob-is-dead"));
    file_write(world.users, rows);
    disk_ms = 1000;
    expect_err(EX_TEMPFAIL, "", "user del anna --purge --yes --waiting",
               "/bob-is-dead doesn't answer; nothing was changed");
    cr_expect_str_eq(file_text(world.users), rows);
    cr_expect(files_exists(in(world.homes, "anna")));
}

/* On such a disk, the second one of two new users gets no home, nor one in the
 * home of the first, which is there before. On another disk both have one. */
Test(home, of_an_import_to_a_disk_that_folds_case)
{
    char words[512], rows[4096];

    snprintf(words, sizeof(words), "user import %s", in_scratch("new"));
    files_make_folder(world.homes, 0711);
    for (size_t i = 0; i < 2 * TWINS; i++) {
        const char *const *twin = twins[i / 2];
        const char *inner = i % 2 ? "/new" : "";

        file_write(world.users, "# no users\n");
        if (i % 2) { /* empty, of no row */
            rmdir(in(world.homes, twin[0]));
            files_make_folder(in(world.homes, twin[0]), 0700);
        }
        snprintf(rows, sizeof(rows), "one:*::::%s/%s::\ntwo:*::::%s/%s%s::\n",
                 world.homes, twin[0], world.homes, twin[1], inner);
        file_write(in_scratch("new"), rows);
        folds = true;
        expect_err(EX_DATAERR, "", words,
                   i % 2 ? "/new is in the home of one, by "
                         : "the home of one is in ");
        cr_expect_not_null(strstr(file_text(world.users), "one:"));
        cr_expect_null(strstr(file_text(world.users), "two:"));
        folds = false;
        expect_out(0, "", words, "1 imported, 1 skipped");
    }
}
