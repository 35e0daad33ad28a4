/* Tests Landlock as an ordinary user: the kernel's answer to each operation
 * below the directory and outside it. */
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "child.h"
#include "sandbox/steps.h"
#include "support/scratch.h"
#include "support/test.h"

struct ground {
    char name[64], mine[80];
    int inside, outside;
};

static void prepare(struct ground *g)
{
    int folder = open(scratch_folder(g->name), O_DIRECTORY | O_CLOEXEC);

    cr_assert_geq(folder, 0);
    umask(0);
    cr_assert_eq(mkdirat(folder, "in", 0777), 0);
    cr_assert_eq(mkdirat(folder, "out", 0777), 0);
    g->inside = openat(folder, "in", O_DIRECTORY | O_CLOEXEC);
    g->outside = openat(folder, "out", O_DIRECTORY | O_CLOEXEC);
    close(openat(g->outside, "file", O_CREAT | O_WRONLY, 0666));
    close(openat(g->inside, "file", O_CREAT | O_WRONLY, 0777));
    close(openat(g->outside, "mine", O_CREAT | O_WRONLY, 0600));
    if (geteuid() == 0) /* the uid that the tests use */
        cr_assert_eq(fchownat(g->outside, "mine", NOBODY, NOBODY, 0), 0);
    snprintf(g->mine, sizeof(g->mine), "%s/out/mine", g->name);
    close(folder);
}

static void run_on_a_ground(int (*body)(const void *))
{
    struct ground g;

    prepare(&g);
    cr_expect_eq(in_child(body, &g), 0);
    scratch_remove_tree(g.name);
}

/* Defines a test that runs in a child with a ground. Its body must return
 * 0. */
#define GroundTest(suite, name)                                                \
    static int name##_child(const struct ground *g);                           \
    static int name##_body(const void *argument)                               \
    {                                                                          \
        return name##_child(argument);                                         \
    }                                                                          \
    Test(suite, name)                                                          \
    {                                                                          \
        run_on_a_ground(name##_body);                                          \
    }                                                                          \
    static int name##_child(const struct ground *g)

static int abi(void)
{
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
                        LANDLOCK_CREATE_RULESET_VERSION);
}

static int open_close(int folder, const char *name, int flags)
{
    int fd = openat(folder, name, flags | O_CLOEXEC, 0666);

    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int outcome(int r)
{
    return r ? -errno : 0;
}

static int confine(const struct ground *g)
{
    HOLDS(be_ordinary() == 0);
    HOLDS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    HOLDS(landlock_confine(&(struct beneath){ g->inside, BENEATH_ALL }, 1) ==
          0);
    return 0;
}

GroundTest(landlock, only_what_is_beneath)
{
    int in = g->inside, out = g->outside;

    HOLDS(confine(g) == 0);
    HOLDS(open_close(in, "new", O_CREAT | O_EXCL | O_RDWR) == 0);
    HOLDS(open_close(in, "new", O_RDONLY) == 0);
    HOLDS(open_close(in, "new", O_WRONLY | O_TRUNC) == 0);
    HOLDS(open_close(in, ".", O_RDONLY | O_DIRECTORY) == 0);
    HOLDS(outcome(mkdirat(in, "folder", 0700)) == 0);
    HOLDS(outcome(renameat(in, "new", in, "folder/moved")) == 0);
    HOLDS(outcome(unlinkat(in, "folder/moved", 0)) == 0);
    HOLDS(outcome(unlinkat(in, "folder", AT_REMOVEDIR)) == 0);

    HOLDS(outcome(symlinkat("/", in, "link")) == -EACCES);
    HOLDS(outcome(mkfifoat(in, "fifo", 0600)) == -EACCES);
    HOLDS(outcome(mknodat(in, "socket", S_IFSOCK | 0600, 0)) == -EACCES);

    HOLDS(open_close(out, "file", O_RDONLY) == -EACCES);
    HOLDS(open_close(out, "file", O_WRONLY) == -EACCES);
    HOLDS(open_close(out, "new", O_CREAT | O_RDWR) == -EACCES);
    HOLDS(open_close(out, ".", O_RDONLY | O_DIRECTORY) == -EACCES);
    HOLDS(open_close(in, "../out/file", O_RDONLY) == -EACCES);
    HOLDS(open_close(AT_FDCWD, "/etc/passwd", O_RDONLY) == -EACCES);
    HOLDS(outcome(mkdirat(out, "folder", 0700)) == -EACCES);
    HOLDS(outcome(unlinkat(out, "file", 0)) == -EACCES);
    HOLDS(outcome(renameat(in, "file", out, "moved")) != 0);
    HOLDS(outcome(linkat(out, "file", in, "stolen", 0)) != 0);
    return 0;
}

/* Each directory has its own list of rights. A directory within another one can
 * get more rights, and never fewer. */
GroundTest(landlock, what_may_be_done_in_each)
{
    int in = g->inside, out = g->outside, deep;
    struct beneath each[3];

    HOLDS(be_ordinary() == 0);
    HOLDS(mkdirat(in, "deep", 0777) == 0);
    deep = openat(in, "deep", O_DIRECTORY | O_CLOEXEC);
    each[0] = (struct beneath){ in, BENEATH_READ };
    each[1] = (struct beneath){ out, BENEATH_WRITE };
    each[2] = (struct beneath){ deep, BENEATH_DIRECTORY };
    HOLDS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    HOLDS(landlock_confine(each, 3) == 0);
    HOLDS(open_close(in, "file", O_RDONLY) == 0);
    HOLDS(open_close(in, ".", O_RDONLY | O_DIRECTORY) == -EACCES);
    HOLDS(open_close(in, "file", O_WRONLY) == -EACCES);
    HOLDS(outcome(unlinkat(in, "file", 0)) == -EACCES);
    HOLDS(outcome(mkdirat(in, "folder", 0700)) == -EACCES);
    HOLDS(open_close(out, "file", O_RDONLY) == -EACCES);
    HOLDS(open_close(out, "new", O_CREAT | O_EXCL | O_WRONLY) == 0);
    HOLDS(outcome(renameat(out, "new", out, "moved")) == 0);
    HOLDS(outcome(mkdirat(out, "folder", 0700)) == -EACCES);
    HOLDS(outcome(renameat(out, "moved", in, "moved")) != 0);
    HOLDS(outcome(mkdirat(deep, "folder", 0700)) == 0);
    HOLDS(open_close(deep, "new", O_CREAT | O_WRONLY) == -EACCES);
    return 0;
}

GroundTest(landlock, nothing_is_executed)
{
    static char *const none[] = { NULL };

    HOLDS(confine(g) == 0);
    syscall(SYS_execveat, g->inside, "file", none, none, 0);
    HOLDS(errno == EACCES);
    return 0;
}

static int reach_body(const void *argument)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
    int tcp = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    HOLDS(confine(argument) == 0);
    if (abi() >= 4) {
        HOLDS(outcome(connect(tcp, (struct sockaddr *)&to, sizeof(to))) ==
              -EACCES);
        to.sin_port = 0;
        HOLDS(outcome(bind(tcp, (struct sockaddr *)&to, sizeof(to))) ==
              -EACCES);
    }
    /* The parent has the same ids, so only Landlock's scope protects it. */
    if (abi() >= 6)
        HOLDS(outcome(kill(getppid(), 0)) == -EPERM);
    return 0;
}

GroundTest(landlock, neither_network_nor_signals)
{
    HOLDS(be_ordinary() == 0);
    HOLDS(in_child(reach_body, g) == 0);
    return 0;
}

ChildTest(landlock, no_folder_means_nothing)
{
    const struct beneath wrong = { -1, BENEATH_ALL };

    HOLDS(be_ordinary() == 0);
    HOLDS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    HOLDS(landlock_confine(&wrong, 1) == -EBADF);
    HOLDS(open_close(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY) == 0);
    HOLDS(landlock_confine(NULL, 0) == 0);
    HOLDS(open_close(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY) == -EACCES);
    return 0;
}

static int open2(int folder, const char *name, uint64_t resolve)
{
    struct open_how how = { .flags = O_RDONLY | O_CLOEXEC, .resolve = resolve };
    int fd = (int)syscall(SYS_openat2, folder, name, &how, sizeof(how));

    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int change_by_path_fd(int folder, const char *name)
{
    struct open_how how = { .flags = O_PATH | O_CLOEXEC };
    int fd = (int)syscall(SYS_openat2, folder, name, &how, sizeof(how));
    int r;

    if (fd < 0)
        return -errno;
    r = fchmod(fd, 0777) < 0 ? -errno : 0;
    if (r == -EBADF)
        r = futimens(fd, NULL) < 0 ? -errno : 0;
    close(fd);
    return r;
}

/* Tests the whole sandbox of files, without root. */
GroundTest(landlock, the_sandbox_of_files_holds_without_root)
{
    const struct beneath inside = { g->inside, BENEATH_ALL };
    struct sandbox_plan plan = plain_plan();

    plan.beneath = &inside;
    plan.beneath_count = 1;
    HOLDS(be_ordinary() == 0);
    HOLDS(enter(PROCESS_FILES, &plan) == 0);
    HOLDS(open2(g->inside, "file", RESOLVE_IN_ROOT) == 0);
    HOLDS(open2(g->inside, "../out/file", 0) == -EACCES);
    HOLDS(open2(g->outside, "file", 0) == -EACCES);
    HOLDS(open2(AT_FDCWD, "/etc/passwd", 0) == -EACCES);
    HOLDS(mkdirat(g->outside, "folder", 0700) == -1 && errno == EACCES);
    HOLDS(mkdirat(g->inside, "folder", 0700) == 0);
#ifndef SALLYPORT_UNFILTERED /* the filter refuses these, not Landlock */
    HOLDS(syscall(SYS_fchmodat, g->outside, "mine", 0777) == -1 &&
          errno == ENOSYS);
    HOLDS(syscall(SYS_fchmodat, AT_FDCWD, g->mine, 0777) == -1 &&
          errno == ENOSYS);
    HOLDS(syscall(SYS_utimensat, g->outside, "mine", NULL, 0) == -1 &&
          errno == ENOSYS);
#endif
    /* Landlock permits everybody to open with O_PATH, but such a descriptor
     * can't be used for a change. */
    HOLDS(change_by_path_fd(g->outside, "mine") == -EBADF);
    return 0;
}
