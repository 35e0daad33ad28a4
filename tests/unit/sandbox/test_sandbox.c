/* Tests the steps of sandbox_enter(): limits, ids, chroot, the parts that are
 * excused, and the complaints about other parts. Parts that need root run only
 * as root. */
#include <grp.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <stdnoreturn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>

#include "child.h"
#include "sandbox/steps.h"
#include "support/test.h"

/* Holds /proc/self/status, which a test opens before the sandbox and reads
 * inside it: the kernel's facts about the process. */
struct status {
    int fd;
    char text[4096];
};

static int status_has(struct status *s, const char *line)
{
    ssize_t n = 0, got;

    if (lseek(s->fd, 0, SEEK_SET) != 0)
        return 0;
    while ((got = read(s->fd, s->text + n, sizeof(s->text) - 1 - (size_t)n)) >
           0)
        n += got;
    s->text[n] = '\0';
    if (strstr(s->text, line))
        return 1;
    dprintf(words, "no \"%s\" in:\n%s", line, s->text);
    return 0;
}

static int limit_is(__rlimit_resource_t resource, rlim_t soft)
{
    struct rlimit limit;

    return getrlimit(resource, &limit) == 0 && limit.rlim_cur == soft;
}

ChildTest(sandbox, limits)
{
    HOLDS(limits_set(sandbox_row(PROCESS_GATE), 77) == 0);
    HOLDS(limit_is(RLIMIT_CORE, 0));
    HOLDS(limit_is(RLIMIT_NOFILE, 77));
    HOLDS(!limit_is(RLIMIT_NPROC, 0));
    HOLDS(limits_set(sandbox_row(PROCESS_SESSION), 0) == 0);
    HOLDS(limit_is(RLIMIT_NOFILE, 77));
    HOLDS(limit_is(RLIMIT_NPROC, 0));
    HOLDS(limits_set(sandbox_row(PROCESS_SESSION), 33) == 0);
    HOLDS(limit_is(RLIMIT_NOFILE, 33));
    HOLDS(be_ordinary() == 0);
    HOLDS(limits_set(sandbox_row(PROCESS_SESSION), 34) == -EPERM);
    HOLDS(limits_set(sandbox_row(PROCESS_GATE), 34) == -EPERM);
    return 0;
}

/* Plays a process that is stopped and ignores its channel. When its parent
 * dies, the kernel wakes it, and it ends some seconds later. */
static noreturn void live_on(int ready)
{
    struct sandbox_plan plan = plain_plan();
    pid_t self = getpid();

    if (enter(PROCESS_LOG, &plan) == 0)
        (void)!write(ready, &self, sizeof(self));
    for (;;)
        poll(NULL, 0, -1);
}

Test(sandbox, ends_with_its_parent, .timeout = 60)
{
    int ready[2], status;
    pid_t parent, child;

    cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    cr_assert_eq(pipe(ready), 0);
    parent = fork();
    if (parent == 0) {
        if (fork() == 0)
            live_on(ready[1]);
        for (;;)
            pause();
    }
    cr_assert_gt(parent, 0); /* otherwise kill(2) would reach every process */
    cr_assert_eq(read(ready[0], &child, sizeof(child)), (int)sizeof(child));
    cr_assert_gt(child, 0);
    kill(child, SIGCONT); /* has no effect while the parent lives */
    kill(child, SIGSTOP);
    kill(parent, SIGKILL);
    cr_assert_eq(waitpid(parent, &status, 0), parent);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM, "%x", status);
}

/* Checks the kernel's facts about each process, also for ordinary users. */
static int plain_body(const void *argument)
{
    enum process p = *(const enum process *)argument;
    struct status s = { .fd = open("/proc/self/status", O_RDONLY) };
    struct sandbox_plan plan = plain_plan();

    HOLDS(enter(p, &plan) == 0);
    HOLDS(status_has(&s, "NoNewPrivs:\t1"));
#ifndef SALLYPORT_UNFILTERED
    HOLDS(status_has(&s, "Seccomp:\t2"));
#endif
    if (sandbox_row(p)->own_ids)
        HOLDS(status_has(&s, "CapEff:\t0000000000000000"));
    return 0;
}

Test(sandbox, the_kernel_says_so)
{
    in_child_of_each(plain_body);
}

/* Does P's sandbox fail, with TEXT in the complaint? */
static bool is_refused(enum process p, struct sandbox_plan *plan,
                       const char *text)
{
    struct complaint c = { "" };
    unsigned weaker = 99;

    plan->filter = filter_of(p);
    if (sandbox_enter(p, plan, &weaker, &c) == -EINVAL && weaker == 99 &&
        strstr(c.text, text))
        return true;
    dprintf(words, "%s: not: %s\n", text, c.text);
    return false;
}

ChildTest(sandbox, what_fails_is_named_or_excused)
{
    struct sandbox_plan plan = root_plan(open("/", O_DIRECTORY | O_CLOEXEC));
    struct complaint c = { "" };
    unsigned weaker = 99;

    HOLDS(be_ordinary() == 0);
    HOLDS(is_refused(PROCESS_FILES, &plan,
                     "sandbox of files: chroot: Operation not permitted (to go "
                     "on without it: allow_weaker = chroot)"));
    plan.allow_weaker = SANDBOX_CHROOT;
    HOLDS(
        is_refused(PROCESS_FILES, &plan, "sandbox of files: giving up root: "));
    HOLDS(is_refused(PROCESS_FILES, &plan, "allow_weaker = ids"));
    plan.allow_weaker = SANDBOX_CHROOT | SANDBOX_IDS;
    plan.max_files = 1UL << 40;
    HOLDS(is_refused(PROCESS_FILES, &plan,
                     "limits: 1099511627776 open files are over"));
    HOLDS(sandbox_enter(PROCESS_FILES, &plan, &weaker, &c) == -EINVAL);
    HOLDS(!strstr(c.text, "allow_weaker"));
    c.text[0] = '\0';
    plan.max_files = 0;
    HOLDS(sandbox_enter(PROCESS_FILES, &plan, &weaker, &c) == 0);
    HOLDS((weaker & ~(unsigned)SANDBOX_SECCOMP) ==
          (SANDBOX_CHROOT | SANDBOX_IDS));
    HOLDS(c.text[0] == '\0');
    return 0;
}

ChildTest(sandbox, landlock_that_fails_is_named_or_excused)
{
    const struct beneath wrong = { -1, BENEATH_ALL };
    struct sandbox_plan plan = plain_plan();
    struct complaint c = { "" };
    unsigned weaker = 0;

    plan.beneath = &wrong;
    plan.beneath_count = 1;
    HOLDS(is_refused(PROCESS_FILES, &plan,
                     "sandbox of files: Landlock: Bad file descriptor (to go "
                     "on without it: allow_weaker = landlock)"));
    plan.allow_weaker = SANDBOX_LANDLOCK;
    HOLDS(sandbox_enter(PROCESS_FILES, &plan, &weaker, &c) == 0);
    HOLDS(weaker & SANDBOX_LANDLOCK);
    return 0;
}

#ifndef SALLYPORT_UNFILTERED /* the runtime needs standard error */
/* Bytes that a silent process writes to standard error must not become lines of
 * the log. */
static int silent_body(const void *argument)
{
    enum process p = *(const enum process *)argument;
    int log = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    struct sandbox_plan plan = plain_plan();
    struct stat null, fd;

    HOLDS(log > 2 && stat("/dev/null", &null) == 0);
    HOLDS(write(log, "honest", 6) == 6);
    for (int i = 0; i <= 2; i++)
        HOLDS(dup2(log, i) == i);
    HOLDS(enter(p, &plan) == 0);
    for (int i = 0; i <= 2; i++)
        HOLDS(fstat(i, &fd) == 0 &&
              (fd.st_rdev == null.st_rdev) == sandbox_row(p)->silent);
    HOLDS(write(2, "forged", 6) == 6);
    HOLDS(fstat(log, &fd) == 0 &&
          fd.st_size == (sandbox_row(p)->silent ? 6 : 12));
    return 0;
}

Test(sandbox, some_say_nothing)
{
    in_child_of_each(silent_body);
}

/* If one of the three standard descriptors was closed, the sandbox must open
 * it. */
static int closed_body(const void *argument)
{
    struct sandbox_plan plan = plain_plan();
    struct stat facts;

    close(*(const int *)argument);
    HOLDS(enter(PROCESS_AUTH, &plan) == 0);
    for (int i = 0; i <= 2; i++)
        HOLDS(fstat(i, &facts) == 0 && S_ISCHR(facts.st_mode));
    return 0;
}

Test(sandbox, no_standard_descriptor_is_left_free)
{
    for (int fd = 0; fd <= 2; fd++)
        cr_expect_eq(in_child(closed_body, &fd), 0, "%d", fd);
}

#endif

/* ---- as root ---- */

static void need_root(void)
{
    if (geteuid() != 0)
        cr_skip_test("needs root");
}

ChildTest(sandbox, a_root_that_is_none_is_refused, .init = need_root)
{
    struct sandbox_plan plan = root_plan(-1);

    HOLDS(is_refused(PROCESS_GATE, &plan,
                     "chroot: there is no directory for it"));
    plan.root_fd = open("/", O_DIRECTORY | O_CLOEXEC);
    HOLDS(is_refused(PROCESS_GATE, &plan, "chroot: Directory not empty"));
    plan.allow_weaker = SANDBOX_CHROOT;
    plan.uid = 0;
    HOLDS(is_refused(PROCESS_GATE, &plan,
                     "uid 0, gid 70002: that is still root"));
    return 0;
}

static int jail_of(const char *name, mode_t mode, uid_t owner)
{
    if (chmod(name, mode) || chown(name, owner, 0))
        return -1;
    return open(name, O_DIRECTORY | O_CLOEXEC);
}

static int jails_body(const void *argument)
{
    struct complaint why = { "" };

    HOLDS(chroot_enter(jail_of(argument, 0755, A_UID), true, &why) == -EINVAL);
    HOLDS(strstr(why.text, "must belong to root"));
    HOLDS(chroot_enter(jail_of(argument, 0775, 0), true, &why) == -EINVAL);
    HOLDS(chroot_enter(jail_of(argument, 0757, 0), true, &why) == -EINVAL);
    HOLDS(chroot_enter(jail_of(argument, 0711, 0), true, &why) == 0);
    HOLDS(access("/etc", F_OK) == -1 && errno == ENOENT);
    HOLDS(access("../etc", F_OK) == -1 && errno == ENOENT);
    return 0;
}

Test(sandbox, the_empty_folder_is_roots_alone, .init = need_root)
{
    char name[64];

    scratch_folder(name);
    cr_expect_eq(in_child(jails_body, name), 0);
    rmdir(name);
}

ChildTest(sandbox, root_is_gone_for_good, .init = need_root)
{
    gid_t group = 70003, left[4];

    HOLDS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    HOLDS(ids_give_up(0, A_GID, NULL, 0) == -EINVAL);
    HOLDS(ids_give_up(A_UID, 0, NULL, 0) == -EINVAL);
    HOLDS(ids_give_up(A_UID, A_GID, &(gid_t){ 0 }, 1) == -EINVAL);
    HOLDS(ids_give_up(A_UID, A_GID, &group, 1) == 0);
    HOLDS(getuid() == A_UID && geteuid() == A_UID);
    HOLDS(getgid() == A_GID && getegid() == A_GID);
    HOLDS(getgroups(4, left) == 1 && left[0] == group);
    HOLDS(setuid(0) == -1 && errno == EPERM);
    HOLDS(seteuid(0) == -1 && errno == EPERM);
    HOLDS(setresuid(0, 0, 0) == -1 && errno == EPERM);
    HOLDS(setgid(0) == -1 && errno == EPERM);
    HOLDS(setgroups(0, NULL) == -1 && errno == EPERM);
    HOLDS(chroot("/") == -1 && errno == EPERM);
    HOLDS(sandbox_regain() == -EPERM);
    return 0;
}

/* A right that an executed file could give: here, to become any user. */
static const struct vfs_cap_data a_capability = {
    .magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
    .data = { { .permitted = CAP_TO_MASK(CAP_SETUID) } },
};

static int copy_of_cat(const char *path)
{
    int from = open("/bin/cat", O_RDONLY | O_CLOEXEC);
    int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    struct stat st;
    off_t at = 0;
    int r = fstat(from, &st);

    while (r == 0 && at < st.st_size)
        r = sendfile(to, from, &at, (size_t)(st.st_size - at)) > 0 ? 0 : -1;
    close(from);
    close(to);
    return r;
}

/* Executes a copy of cat, in this process: it prints its own rights. */
static int print_rights(const char *program, int out)
{
    HOLDS(dup2(out, STDOUT_FILENO) == STDOUT_FILENO);
    execl(program, program, "/proc/self/status", (char *)NULL);
    return __LINE__;
}

static bool has_root(const char *status)
{
    return !strstr(status, "\nUid:\t70001\t70001\t70001\t70001\n") ||
           !strstr(status, "\nCapPrm:\t0000000000000000\n") ||
           !strstr(status, "\nCapEff:\t0000000000000000\n");
}

struct executed {
    char program[96];
    int out;
};

static int given_up_body(const void *argument)
{
    const struct executed *e = argument;

    HOLDS(ids_give_up(A_UID, A_GID, NULL, 0) == -EPERM);
    HOLDS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    HOLDS(ids_give_up(A_UID, A_GID, NULL, 0) == 0);
    return print_rights(e->program, e->out);
}

static int only_ids_body(const void *argument)
{
    const struct executed *e = argument;

    HOLDS(setresgid(A_GID, A_GID, A_GID) == 0);
    HOLDS(setresuid(A_UID, A_UID, A_UID) == 0);
    return print_rights(e->program, e->out);
}

static bool gets_root(struct executed *e, int (*body)(const void *argument))
{
    char status[4096];
    int ends[2];

    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    e->out = ends[1];
    cr_assert_eq(in_child(body, e), 0);
    close(ends[1]);
    ssize_t n = read(ends[0], status, sizeof(status) - 1);
    cr_assert_gt(n, 0);
    status[n] = '\0';
    close(ends[0]);
    return has_root(status);
}

/* No executed file gives root back, so no process needs to empty its bounding
 * set. */
Test(sandbox, no_executed_file_gives_it_back, .init = need_root)
{
    struct executed e;
    struct statvfs disk;
    char name[64];

    scratch_folder(name);
    snprintf(e.program, sizeof(e.program), "%s/cat", name);
    cr_assert_eq(statvfs(name, &disk), 0);
    if (disk.f_flag & ST_NOSUID || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)) {
        rmdir(name);
        cr_skip_test("here no file gives rights at all");
    }
    cr_assert_eq(copy_of_cat(e.program), 0);
    cr_assert_eq(chmod(e.program, 04755), 0);
    cr_expect(gets_root(&e, only_ids_body));
    cr_expect_not(gets_root(&e, given_up_body), "set-uid root");
    cr_assert_eq(chmod(e.program, 0755), 0);
    cr_assert_eq(setxattr(e.program, "security.capability", &a_capability,
                          sizeof(a_capability), 0),
                 0);
    cr_expect(gets_root(&e, only_ids_body));
    cr_expect_not(gets_root(&e, given_up_body), "its capability");
    unlink(e.program);
    rmdir(name);
}

struct jail {
    enum process p;
    int fd;
};

static int same_folder(const char *name, int fd)
{
    struct stat a, b;

    /* Use AT_EMPTY_PATH, since the filters permit this form. */
    return fstatat(AT_FDCWD, name, &a, AT_EMPTY_PATH) == 0 &&
           fstat(fd, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int root_body(const void *argument)
{
    const struct jail *jail = argument;
    struct status s = { .fd = open("/proc/self/status", O_RDONLY) };
    struct sandbox_plan plan = root_plan(jail->fd);
    const struct beneath inside = { jail->fd, BENEATH_ALL };
    struct stat facts;

    plan.beneath = &inside;
    plan.beneath_count = 1;
    HOLDS(enter(jail->p, &plan) == 0);
    HOLDS(status_has(&s, "Uid:\t70001\t70001\t70001\t70001"));
    HOLDS(status_has(&s, "Gid:\t70002\t70002\t70002\t70002"));
    HOLDS(status_has(&s, "Groups:\t \n"));
    HOLDS(status_has(&s, "CapInh:\t0000000000000000"));
    HOLDS(status_has(&s, "CapPrm:\t0000000000000000"));
    HOLDS(status_has(&s, "CapEff:\t0000000000000000"));
    HOLDS(status_has(&s, "CapAmb:\t0000000000000000"));
    HOLDS(status_has(&s, "NoNewPrivs:\t1"));
    HOLDS(same_folder("/", jail->fd));
    HOLDS(same_folder(".", jail->fd));
    HOLDS(same_folder("/../..", jail->fd));
    HOLDS(fstatat(AT_FDCWD, "/etc", &facts, AT_EMPTY_PATH) == -1 &&
          errno == ENOENT);
    return 0;
}

Test(sandbox, run_by_root_nothing_of_it_is_left, .init = need_root)
{
    static const enum process own[] = { PROCESS_GATE, PROCESS_AUTH,
                                        PROCESS_FILES, PROCESS_LOG };
    char name[64];
    struct jail jail;

    scratch_folder(name);
    jail.fd = jail_of(name, 0755, 0);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        jail.p = own[i];
        cr_expect_eq(in_child(root_body, &jail), 0, "%s", process_name(jail.p));
    }
    rmdir(name);
}

/* Leaves root the capabilities that the systemd unit permits. */
static int keep_those_of_the_unit(void)
{
    static const unsigned kept[] = { CAP_SETUID, CAP_SETGID, CAP_SYS_CHROOT,
                                     CAP_NET_BIND_SERVICE, CAP_KILL };
    struct __user_cap_header_struct header = {
        .version = _LINUX_CAPABILITY_VERSION_3,
    };
    struct __user_cap_data_struct sets[2] = { 0 };

    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        sets[0].permitted |= CAP_TO_MASK(kept[i]);
        sets[0].effective |= CAP_TO_MASK(kept[i]);
    }
    return (int)syscall(SYS_capset, &header, sets);
}

/* Plays files, which opens and enters a home as its user. The home is below
 * /tmp, and has mode 0700. */
static int borrow_body(const void *argument)
{
    struct jail jail = { .p = PROCESS_FILES };
    gid_t group = 70003;
    int none;

    HOLDS(chown(argument, A_UID, A_GID) == 0 && chmod(argument, 0700) == 0);
    HOLDS(keep_those_of_the_unit() == 0);
    HOLDS(sandbox_become(0, A_GID, NULL, 0) == -EINVAL);
    HOLDS(sandbox_become(A_UID + 1, A_GID, &group, 1) == 0);
    none = open(argument, O_DIRECTORY | O_CLOEXEC);
    HOLDS(none == -1 && errno == EACCES);
    HOLDS(getuid() == 0 && geteuid() == A_UID + 1 && getegid() == A_GID);
    HOLDS(sandbox_regain() == 0);
    HOLDS(geteuid() == 0 && getegid() == 0 && getgroups(0, NULL) == 0);
    HOLDS(sandbox_become(A_UID, A_GID, NULL, 0) == 0);
    jail.fd = open(argument, O_DIRECTORY | O_CLOEXEC);
    HOLDS(jail.fd >= 0);
    return root_body(&jail);
}

Test(sandbox, files_borrows_ids_and_then_keeps_them, .init = need_root)
{
    char name[64];

    scratch_folder(name);
    cr_expect_eq(in_child(borrow_body, name), 0);
    rmdir(name);
}

ChildTest(sandbox, nobody_looks_into_it, .init = need_root)
{
    struct sandbox_plan plan = root_plan(open("/", O_DIRECTORY | O_CLOEXEC));

    HOLDS(enter(PROCESS_MASTER, &plan) == 0);
    HOLDS(prctl(PR_GET_DUMPABLE) == 0);
    return 0;
}
