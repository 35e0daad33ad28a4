/* The program itself, as master executes it: the settings are descriptor 3, the
 * table of users 4. */
#include <sys/mount.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/fd.h"
#include "sallyport/settings/settings.h"
#include "support/btrfs.h"
#include "support/scratch.h"
#include "support/server.h"
#include "support/settings.h"
#include "support/test.h"
#include "support/users_table.h"

#define HASH "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"
#define CONF                                                                   \
    "homes = /nowhere\nallow_weaker = landlock\nfsync = no\n"                  \
    "address = 203.0.113.7\n"

static struct buf said;

static const char *settings_path; /* NULL: some file */
static int lock = -1;             /* becomes 5 */

static int settings_at_path(void)
{
    static struct settings s;
    int fd = settings_of(CONF);
    struct complaint c = { "" };

    if (!settings_path)
        return fd;
    if (settings_take(&s, fd, &c) < 0)
        _exit(126);
    snprintf(s.file, sizeof(s.file), "%s", settings_path);
    return settings_file(&s);
}

static void start(const char *const arguments[], const char *users, int err)
{
    int three = settings_at_path();
    int four = users_table(users);

    three = fcntl(three, F_DUPFD, 10);
    four = fcntl(four, F_DUPFD, 10);
    if (lock >= 0 && dup2(lock, 5) != 5)
        _exit(126);
    if (dup2(err, STDERR_FILENO) == STDERR_FILENO && dup2(three, 3) == 3 &&
        dup2(four, 4) == 4)
        execv(server_program("check"), (char **)(uintptr_t)arguments);
    _exit(127);
}

/* Returns its exit status; `said` has its output. */
static int check(const char *mode, const char *key_lost, const char *users)
{
    const char *const arguments[] = { "check", mode, key_lost, NULL };
    FILE *words = tmpfile();
    int status = -1;
    pid_t pid;

    cr_assert_not_null(words);
    fflush(NULL);
    pid = fork();
    if (pid == 0)
        start(arguments, users, fileno(words));
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status));
    buf_release(&said);
    buf_init(&said, 1 << 16);
    cr_assert_eq(fd_read_file(fileno(words), &said), 0);
    buf_add(&said, "", 1);
    fclose(words);
    return WEXITSTATUS(status);
}

static size_t lines(const char *words)
{
    size_t n = 0;

    for (const char *at = said.data; (at = strstr(at, words)); at++)
        n++;
    return n;
}

#define EXPECT(words)                                                          \
    cr_expect(strstr(said.data, words), "no \"%s\" in:\n%s", words, said.data)

static const char *missing_homes(size_t n)
{
    static char text[8192];
    size_t len = 0;

    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len,
                                "user%zu:" HASH
                                ":%zu:70000::/elsewhere/user%zu::\n",
                                i, 70000 + i, i);
    return text;
}

Test(program, a_start_warns_of_a_few)
{
    cr_expect_eq(check("start", "", missing_homes(11)), 1);
    cr_expect_eq(lines("sallyportd: warning: /etc/sallyport/users:"), 8, "%s",
                 said.data);
    if (geteuid() == 0) /* another user's homes are all below homes */
        EXPECT(
            "users:1: user user0: the home /elsewhere/user0 is missing; if its "
            "disk is mounted, run: ");
    EXPECT("warning: and 3 more; see them all by: sallyportd --check\n");
    cr_expect_eq(lines("weaker"), 0);
}

Test(program, a_check_finds_all)
{
    cr_expect_eq(check("homes", "", missing_homes(11)), 1);
    cr_expect_eq(lines("sallyportd: /etc/sallyport/users:"), 11, "%s",
                 said.data);
    cr_expect_eq(lines("more"), 0);
    cr_expect_eq(lines("weaker"), 0);
}

Test(program, remarks_are_no_mistakes)
{
    cr_expect_eq(check("remarks", "/state: no space", missing_homes(2)), 0);
    EXPECT("allow_weaker excuses landlock; fsync = no: 226 does not mean ");
    EXPECT("; unfinished uploads can't be resumed after a restart: /state: no "
           "space\n");
    cr_expect_eq(lines("warning"), 0);
}

#define SYSTEMCTL "/usr/bin/systemctl"

static char asked[] = "/tmp/sallyport-asked-XXXXXX"; /* there: it was asked */

/* Puts a systemctl in the place of the system's, whose answer never ends.
 * Returns false where that can't be done. */
static bool play_systemctl(pid_t service)
{
    static const char text[] = "#!/bin/sh\n"
                               "echo >%s\n"
                               "echo %d\n"
                               "while echo and so on; do :; done\n";
    char path[] = "/tmp/sallyport-systemctl-XXXXXX";
    int fd = mkstemp(path);
    bool mounted;

    cr_assert(fd >= 0 && fchmod(fd, 0755) == 0);
    cr_assert_gt(dprintf(fd, text, asked, (int)service), 0);
    close(fd);
    mounted = mounts_own() && mount(path, SYSTEMCTL, NULL, MS_BIND, NULL) == 0;
    unlink(path);
    return mounted;
}

/* A process with an empty root directory. */
static pid_t play_service(void)
{
    int ready[2];
    char byte;

    cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        char root[] = "/tmp/sallyport-root-XXXXXX";

        if (mkdtemp(root) && chroot(root) == 0)
            (void)!write(ready[1], "1", 1);
        close(ready[1]);
        pause();
    }
    close(ready[1]);
    (void)!read(ready[0], &byte, 1);
    close(ready[0]);
    return pid;
}

static void end_service(pid_t pid)
{
    kill(pid, SIGKILL);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

static bool was_asked(void)
{
    return unlink(asked) == 0;
}

static void lock_the_look(void)
{
    struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    lock = memfd_create("lock", MFD_CLOEXEC);
    cr_assert_eq(fcntl(lock, F_SETLK, &all), 0);
}

/* Check asks systemctl only about homes, and never during an earlier look. It
 * bounds what it reads from systemctl. */
Test(program, asks_systemd_when_it_needs_the_answer)
{
    close(mkstemp(asked));
    cr_assert(was_asked());
    pid_t service = play_service();
    if (!play_systemctl(service)) {
        end_service(service);
        cr_skip_test("needs root, and a systemctl");
    }
    alarm(30); /* Criterion's own timeout leaks */
    settings_path = SETTINGS_FILE;
    setenv("INVOCATION_ID", "1", 1);
    check("remarks", "", missing_homes(2));
    cr_expect_not(was_asked());
    check("homes", "", missing_homes(2));
    cr_expect(was_asked());
    EXPECT("user user1: systemd hides the home /elsewhere/user1 from the ");
    end_service(service);
    check("homes", "", missing_homes(2));
    cr_expect(was_asked());
    EXPECT("user user0: the home /elsewhere/user0 is missing");
    check("start", "", missing_homes(2));
    cr_expect_not(was_asked());
    EXPECT(" is missing; or systemd hides it (--check tells); if its disk ");
    lock_the_look();
    check("start", "", missing_homes(2));
    cr_expect_not(was_asked());
    EXPECT("an earlier check still runs");
    close(lock);
}

/* Puts a file with this TEXT in the place of PATH; NULL: a pipe, which nobody
 * writes. */
static bool replace(const char *path, const char *text)
{
    char own[] = "/tmp/sallyport-accounts-XXXXXX";
    int fd = mkstemp(own);

    cr_assert(fd >= 0 && fchmod(fd, 0644) == 0);
    cr_assert(!text || write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    cr_assert(text || (unlink(own) == 0 && mkfifo(own, 0644) == 0));
    const bool mounted = mount(own, path, NULL, MS_BIND, NULL) == 0;
    close(fd);
    unlink(own);
    return mounted;
}

#define ROWS                                                                   \
    "@share:a:80000:/nowhere/a:\n@share:b:120:/nowhere/b:\n"                   \
    "anna:!:70001:70001::/nowhere/anna::\n"                                    \
    "bert:!:70002:70002::/nowhere/bert::\n"                                    \
    "carl:!:70003:70003::/nowhere/carl::\n"
#define CLASH "clash:x:70001:1::/:/bin/sh\nother:x:79999:1::/:/bin/sh\n"

/* Users' own numbers must not be the system's, too. */
Test(program, accounts_of_the_system, .timeout = 60)
{
    char share[] = "/tmp/sallyport-share-XXXXXX", row[64];

    if (!mounts_own() || !replace("/etc/passwd", CLASH) ||
        !replace("/etc/group", "g:x:80000:\nlocal:x:120:\nprivate:x:70002:\n"))
        cr_skip_test("needs root and mounts");
    for (int start = 0; start < 2; start++) {
        cr_expect_eq(check(start ? "start" : "homes", "", ROWS), 1);
        EXPECT("users:3: user anna: uid 70001 is also the account clash of ");
        EXPECT("users:4: user bert: gid 70002 is also the group private of ");
        EXPECT("weaker: /etc/sallyport/users:1: share a: the group g of the "
               "system ");
        cr_expect_eq(lines(" of the system"), 3, "%s", said.data);
        cr_expect_eq(lines(": user carl: "), 0, "%s", said.data);
    }
    /* A program of this machine collects from a share: docs/admin/teams.md. */
    cr_assert(mkdtemp(share) && chown(share, 0, 80000) == 0 &&
              chmod(share, 02770) == 0);
    snprintf(row, sizeof(row), "@share:a:80000:%s:\n", share);
    cr_expect_eq(check("homes", "", row), 0, "%s", said.data);
    EXPECT("weaker: ");
    rmdir(share);
    /* A mistake found before a name service hung counts. */
    cr_assert(umount("/etc/group") == 0 && replace("/etc/group", NULL));
    cr_expect_eq(check("start", "",
                       "anna:!:70001:70001::/nowhere/anna::\n"
                       "bert:!:70002:70002::/nowhere/bert::\n"),
                 1);
    EXPECT("uid 70001 is also the account clash");
    EXPECT("hint: not all rows were compared with the accounts and groups");
    cr_assert(umount("/etc/passwd") == 0 && replace("/etc/passwd", NULL));
    cr_expect_eq(check("start", "", ROWS), 1);
    EXPECT("hint: not all rows were compared with the accounts and groups");
    EXPECT("share a: the directory /nowhere/a is missing");
}

Test(program, nobody_else_calls_it)
{
    cr_expect_eq(check("anything", "", ""), 64);
    EXPECT("this program is started by sallyportd");
}
