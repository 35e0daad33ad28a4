/* sandbox_enter() takes the steps into a sandbox. Their order matters: each
 * step needs rights that later steps take away. Each process calls it once,
 * before it works. In a session, which is a fork, it neither allocates memory
 * nor calls a library. It must never leave a step out silently. */
#include "steps.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/pages.h"

/* Sets the soft and the hard limit. RLIMIT_CORE becomes 0, since a core file
 * would contain keys and passwords. */
static int limit_set(__rlimit_resource_t resource, rlim_t value)
{
    struct rlimit limit = { .rlim_cur = value, .rlim_max = value };

    return setrlimit(resource, &limit) ? -errno : 0;
}

/* In a process that forks, lowers only the soft limit of files: a child can
 * need more files than its parent, and only root can raise a hard limit. */
int limits_set(const struct sandbox_row *row, size_t max_files)
{
    struct rlimit limit;
    int r = limit_set(RLIMIT_CORE, 0);

    if (r == 0 && !row->forks)
        r = limit_set(RLIMIT_NPROC, 0);
    if (r < 0 || max_files == 0)
        return r;
    if (!row->forks)
        return limit_set(RLIMIT_NOFILE, max_files);
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return -errno;
    limit.rlim_cur = max_files;
    if (limit.rlim_max < max_files)
        limit.rlim_max = max_files;
    return setrlimit(RLIMIT_NOFILE, &limit) ? -errno : 0;
}

/* The root directory is the user's home for files, and an empty directory for
 * the other processes that change it. It is changed by a descriptor, since
 * another process could change what a name leads to. */

int sandbox_check_empty(int fd)
{
    FD_CLEANUP int own = -1;
    const struct dirent *entry;
    struct stat facts;
    bool empty = true;
    DIR *directory;

    if (fstat(fd, &facts))
        return -errno;
    if (facts.st_uid != 0 || (facts.st_mode & (S_IWGRP | S_IWOTH)))
        return -EPERM;
    /* Opens the directory again, since FD shares its position with other
     * processes. */
    own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    directory = own < 0 ? NULL : fdopendir(own);
    if (!directory)
        return -errno;
    own = -1;
    while (empty && (entry = readdir(directory)))
        empty =
            strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(directory);
    return empty ? 0 : -ENOTEMPTY;
}

int chroot_enter(int fd, bool empty, struct complaint *why)
{
    int r = empty ? sandbox_check_empty(fd) : 0;

    if (r == -EPERM)
        return complain(why, "the empty directory must belong to root and be "
                             "writable by root alone");
    if (r)
        return r;
    if (fchdir(fd) || chroot("."))
        return -errno;
    struct stat wanted, root, here;

    if (fstat(fd, &wanted) || stat("/", &root) || stat(".", &here))
        return -errno;
    if (root.st_dev != wanted.st_dev || root.st_ino != wanted.st_ino ||
        here.st_dev != wanted.st_dev || here.st_ino != wanted.st_ino)
        return -EXDEV;
    return 0;
}

/* The parent's death ends every process but master. A child sees that its
 * channel closes, sends its last events (such as the end of a transfer) and
 * exits. The kernel also sends SIGCONT to each child, for the case that the
 * child is stopped or hangs. SIGCONT wakes a stopped child, and its handler
 * starts a timer, which ends the child. SIGKILL would be too early: the last
 * events would be lost. */

/* Seconds until the timer ends the child: longer than log waits for the last
 * events of other processes. */
#define LEAVE_S 5

static pid_t parent IN_DATA;

/* Starts the timer if the parent has died. While the parent lives, SIGCONT came
 * from somebody else. */
static void on_continue(int number)
{
    const struct itimerval end = { .it_value = { .tv_sec = LEAVE_S } };

    (void)number;
    if (getppid() != parent)
        setitimer(ITIMER_REAL, &end, NULL);
}

/* A step returns 0, -errno, or NOT_BUILT. If it sets *why, that text replaces
 * the text of the errno. */
#define NOT_BUILT 1

struct sandbox_step {
    const char *name; /* for the administrator */
    unsigned part;    /* 0: allow_weaker doesn't cover it */
    int (*take)(enum process p, const struct sandbox_plan *plan,
                struct complaint *why);
    int option; /* if .take is NULL: option and value of prctl(2) */
    unsigned long value;
};

static int take_silence(enum process p, const struct sandbox_plan *plan,
                        struct complaint *why)
{
    (void)plan;
    (void)why;
    return sandbox_row(p)->silent ? filter_end_descriptors() : 0;
}

static int take_limits(enum process p, const struct sandbox_plan *plan,
                       struct complaint *why)
{
    int r = limits_set(sandbox_row(p), plan->max_files);

    if (r == -EPERM)
        return complain(why,
                        "%zu open files are over the hard limit; raise it by "
                        "LimitNOFILE= (systemd) or ulimit -Hn",
                        plan->max_files);
    return r;
}

/* Changes the root directory with the user's ids. With root's ids a process
 * can't enter a home of mode 0700 if it lacks CAP_DAC_READ_SEARCH, or if the
 * file system is on another machine. */
static int take_chroot(enum process p, const struct sandbox_plan *plan,
                       struct complaint *why)
{
    bool empty = sandbox_row(p)->empty_root;
    int r;

    if (!plan->root || (plan->root_fd < 0 && !empty))
        return 0;
    if (plan->root_fd < 0)
        return complain(why, "there is no directory for it");
    r = empty ? 0 : ids_raise_capability(CAP_SYS_CHROOT);
    return r < 0 ? r : chroot_enter(plan->root_fd, empty, why);
}

static int take_ids(enum process p, const struct sandbox_plan *plan,
                    struct complaint *why)
{
    if (!sandbox_row(p)->own_ids)
        return 0;
    if (!plan->root)
        return ids_drop_capabilities();
    if (plan->uid == 0 || plan->gid == 0)
        return complain(why, "uid %u, gid %u: that is still root",
                        (unsigned)plan->uid, (unsigned)plan->gid);
    int r = geteuid() == 0 ? 0 : sandbox_regain();
    if (r < 0)
        return r;
    return ids_give_up(plan->uid, plan->gid, plan->groups, plan->group_count);
}

/* Makes the parent's death wake this process, if it is stopped, and end it
 * LEAVE_S later. This step comes after the last change of ids, which would
 * cancel the signal. */
static int take_parent(enum process p, const struct sandbox_plan *plan,
                       struct complaint *why)
{
    struct sigaction wake = { .sa_handler = on_continue,
                              .sa_flags = SA_RESTART };
    struct sigaction end = { .sa_handler = SIG_DFL };
    sigset_t both;

    (void)plan;
    (void)why;
    if (p == PROCESS_MASTER)
        return 0;
    sigemptyset(&both);
    sigaddset(&both, SIGCONT);
    sigaddset(&both, SIGALRM);
    parent = getppid();
    if (sigaction(SIGCONT, &wake, NULL) || sigaction(SIGALRM, &end, NULL) ||
        sigprocmask(SIG_UNBLOCK, &both, NULL) ||
        prctl(PR_SET_PDEATHSIG, SIGCONT, 0, 0, 0))
        return -errno;
    on_continue(SIGCONT); /* the parent can have died in between */
    return 0;
}

static int take_landlock(enum process p, const struct sandbox_plan *plan,
                         struct complaint *why)
{
    int r = 0;

    if (sandbox_row(p)->landlock)
        r = landlock_confine(plan->beneath, plan->beneath_count);
    if (r == -ENOSYS || r == -EOPNOTSUPP)
        return complain(why, "this kernel has none, or it is off");
    return r;
}

static int take_filter(enum process p, const struct sandbox_plan *plan,
                       struct complaint *why)
{
    int r = sigsys_install();

    (void)p;
    if (r == 0)
        r = filter_load(plan->filter);
    return r == 0 ? sigsys_probe(why) : r;
}

static const struct sandbox_step steps[] = {
    { "standard descriptors", 0, take_silence, 0, 0 },
    { "no_new_privs", 0, NULL, PR_SET_NO_NEW_PRIVS, 1 },
    { "not dumpable", 0, NULL, PR_SET_DUMPABLE, 0 },
    { "limits", 0, take_limits, 0, 0 },
    { "chroot", SANDBOX_CHROOT, take_chroot, 0, 0 },
    { "giving up root", SANDBOX_IDS, take_ids, 0, 0 },
    /* a second time, since the kernel resets it when the ids change */
    { "not dumpable", 0, NULL, PR_SET_DUMPABLE, 0 },
    { "the parent's death", 0, take_parent, 0, 0 },
    { "Landlock", SANDBOX_LANDLOCK, take_landlock, 0, 0 },
    { "seccomp", SANDBOX_SECCOMP, take_filter, 0, 0 },
};

static int take_step(enum process p, const struct sandbox_step *step,
                     const struct sandbox_plan *plan, unsigned *weaker,
                     struct complaint *c)
{
    struct complaint why = { "" };
    int r = step->take ? step->take(p, plan, &why)
            : prctl(step->option, step->value, 0, 0, 0) ? -errno
                                                        : 0;

    if (r == 0)
        return 0;
    if (r == NOT_BUILT || plan->allow_weaker & step->part) {
        *weaker |= step->part;
        return 0;
    }
    return complain(c, "sandbox of %s: %s: %s%s%s%s", process_name(p),
                    step->name, *why.text ? why.text : strerrordesc_np(-r),
                    step->part ? " (to go on without it: allow_weaker = " : "",
                    step->part ? sandbox_words[__builtin_ctz(step->part)] : "",
                    step->part ? ")" : "");
}

int sandbox_enter(enum process p, const struct sandbox_plan *plan,
                  unsigned *weaker, struct complaint *c)
{
    unsigned excused = 0;

    /* OpenSSL and the room base call gmtime_r(3), whose first call opens the
     * time zone's file. In the sandbox that would kill the process, so tzset(3)
     * reads the file now. Session and files are forks of processes that have
     * called tzset(3). */
    if (p != PROCESS_SESSION && p != PROCESS_FILES)
        tzset();
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        int r = take_step(p, &steps[i], plan, &excused, c);

        if (r)
            return r;
    }
    *weaker = excused;
    return 0;
}
