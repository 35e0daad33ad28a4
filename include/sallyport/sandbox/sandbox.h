/* The sandbox: a process enters it before it works, and gives up all rights
 * that it doesn't need. The table of processes (src/lib/sandbox/processes.c)
 * has the ids and limits of each. The policy of a process,
 * src/server/ROOM/seccomp.c, lists its system calls, one permission per line,
 * each with its reason. From the policy the build makes a filter, which the
 * process passes to sandbox_enter(). */
#ifndef SALLYPORT_SANDBOX_SANDBOX_H
#define SALLYPORT_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/process.h"
#include "sallyport/domain/choices.h"
#include "sallyport/sandbox/filters.h"

struct sandbox_row {
    bool own_ids;    /* gives up root's ids (if root runs the server) */
    bool empty_root; /* chroots to an empty directory (if root runs the server)
                      */
    bool forks;      /* false: RLIMIT_NPROC is 0 */
    bool landlock;   /* Landlock confines the process to the directories of the
                        plan */
    bool silent;     /* 0, 1 and 2 become /dev/null */
};
const struct sandbox_row *sandbox_row(enum process p);

/* Rights of a process in a directory and everything below it. */
enum beneath_may {
    BENEATH_READ = 1,    /* read files */
    BENEATH_LIST = 2,    /* open directories, to read, lock and sync them */
    BENEATH_WRITE = 4,   /* make, write and cut files, name and remove them */
    BENEATH_DELETE = 8,  /* remove files */
    BENEATH_RENAME = 16, /* rename files and directories, also from one
                            directory to another */
    BENEATH_DIRECTORY = 32, /* make and remove directories */
    BENEATH_ALL = 63
};
/* A rule for an inner directory can add rights to those of the outer
 * directories, but never remove rights. */
struct beneath {
    int fd;
    unsigned may; /* enum beneath_may bits */
};

struct sandbox_plan {
    bool root; /* started by root; otherwise ids and chroot don't apply */
    uid_t uid; /* the ids to take for good */
    gid_t gid;
    const gid_t *groups; /* the supplementary groups */
    size_t group_count;
    int root_fd; /* the directory to chroot to, or -1. If it is a user's home,
                    the process must have called sandbox_become() with that
                    user's ids before */
    const struct beneath
        *beneath; /* directories to which Landlock confines the process */
    size_t beneath_count;
    const struct sandbox_filter *filter; /* made from the process's policy */
    size_t max_files;                    /* RLIMIT_NOFILE */
    unsigned allow_weaker;               /* sandbox_part bits */
};

/* Enters the sandbox in this order: standard descriptors, no_new_privs, not
 * dumpable, no core, limits, chroot, ids, Landlock, seccomp. Returns 0, or
 * -EINVAL with the complaint; the caller then exits with EX_OSERR (71). *weaker
 * gets the sandbox_part bits of the parts that are missing and that
 * allow_weaker permits to be missing. */
int sandbox_enter(enum process p, const struct sandbox_plan *plan,
                  unsigned *weaker, struct complaint *c);

/* Tries in a short-lived child whether this kernel accepts the filters of P.
 * FILTERS has the filters under which P starts, the outermost first, then P's
 * own filter, then NULL. Call it before the first fork that becomes P without
 * an exec, since such a process can't report the failure to its parent. Returns
 * 0, or -EINVAL with the complaint. */
int sandbox_try_filters(enum process p,
                        const struct sandbox_filter *const filters[],
                        struct complaint *c);
/* Tries whether this kernel or container has Landlock. Returns 0, or -EINVAL
 * with the complaint. */
int sandbox_landlock_test(struct complaint *c);

/* Sets the function that the SIGSYS handler calls for a refused system call,
 * once for each number. REPORT must be async-signal-safe; NULL: the handler
 * calls no function. */
void sandbox_on_refused(void (*report)(int number));

/* Checks the directory FD, to which a process will chroot. Returns 0; -EPERM:
 * FD isn't root's, or others can write to it; -ENOTEMPTY; another -errno. */
int sandbox_check_empty(int fd);

/* Takes a user's ids, until sandbox_regain() takes root's ids back. In the
 * process files, sandbox_enter() makes the user's ids final. Returns 0 or
 * -errno. */
int sandbox_become(uid_t uid, gid_t gid, const gid_t *groups, size_t n);
int sandbox_regain(void);

#endif
