/* The cage: what a process gives up before it works. The table of processes
 * (src/cage/processes.c) says for each what it runs as, which limits and which
 * system calls it has; the policies are prose, one permission a line. */
#ifndef SALLYPORT_CAGE_CAGE_H
#define SALLYPORT_CAGE_CAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sallyport/base/complaint.h"
#include "sallyport/base/process.h"

/* What allow_weaker can name. */
enum cage_part {
    CAGE_IDS = 1,
    CAGE_CHROOT = 2,
    CAGE_SECCOMP = 4,
    CAGE_LANDLOCK = 8,
};

struct cage_row {
    const char *title;  /* ps: "sallyport: gate" */
    bool own_ids;       /* gives up root (run by root) */
    bool empty_root;    /* chroot to an empty folder (run by root) */
    bool forks;         /* else RLIMIT_NPROC 0 */
    bool landlock;      /* confined to the folders it is given */
    bool only_reads;    /* there, and may reach the network */
    bool silent;        /* 0, 1 and 2 become /dev/null */
    const char *cannot; /* in words, for docs and tests */
};
const struct cage_row *cage_row(enum process p);

struct cage_plan {
    bool root; /* started by root; else ids and chroot are void */
    uid_t uid; /* the ids to take for good */
    gid_t gid;
    const gid_t *groups; /* supplementary, N of them */
    size_t group_count;
    int root_fd;        /* folder to chroot to, or -1 */
    const int *beneath; /* Landlock: folders to be confined to */
    size_t beneath_count;
    int exec_fd;           /* folder of the programs to execute; 0: none */
    size_t max_files;      /* RLIMIT_NOFILE */
    bool connects;         /* gate may connect to clients: active mode */
    unsigned allow_weaker; /* cage_part bits */
};

/* The numbers of master's message `cage`, in their order, into a plan that is
 * otherwise as it was. 0; -ERANGE, and nothing has changed. */
int cage_plan_told(struct cage_plan *plan, uint64_t root, uint64_t uid,
                   uint64_t gid, uint64_t allow_weaker);

/* Standard descriptors, no_new_privs, not dumpable, no core, limits, chroot,
 * bounding set, ids, Landlock, seccomp, in this order. 0, or -EINVAL with the
 * complaint; the caller exits with EX_OSERR (71). *weaker gets the cage_part
 * bits that allow_weaker excused. */
int cage_enter(enum process p, const struct cage_plan *plan, unsigned *weaker,
               struct complaint *c);

/* Compiles a policy ahead of time, so that cage_enter(p) in a fork of this
 * process needs no library and no memory. 0 or -EINVAL. */
int cage_prepare(enum process p, struct complaint *c);

/* A throw-away child loads each policy: 0 or -EINVAL with the complaint. Only
 * where the process may still fork. */
int cage_self_test(struct complaint *c);
/* Does this kernel, or container, let a process confine itself by Landlock? 0
 * or -EINVAL with the complaint. */
int cage_landlock_test(struct complaint *c);

/* Called in the SIGSYS handler (async-signal-safe!) once per refused call. */
void cage_on_refused(void (*report)(int number));

/* For files: takes the user's ids for a while, and root back. 0 or -errno */
int cage_become(uid_t uid, gid_t gid, const gid_t *groups, size_t n);
int cage_regain(void);

#endif
