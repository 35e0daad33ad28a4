/* The system calls that master may make. master is root, so its list is long.
 * In its sandbox it makes only pairs of sockets. Master's filter also permits
 * all calls of the other processes, and the calls of ld.so, libc, OpenSSL and
 * sandbox_enter(), since each process starts under this filter. */
#include "sallyport/seccomp/policy.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#define NAMESPACES                                                             \
    (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID |               \
     CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

static const struct permission may[] = {
    MAY_IF(clone, WITHOUT(0, NAMESPACES | CLONE_PARENT), "fork of a child"),
    MAY(set_robust_list, "libc, in the child of a fork"),
    MAY(wait4, "reaping children and sessions"),
    MAY(signalfd4, "SIGCHLD in the loop"),
    /* Signals one process, never a group or all processes. */
    MAY_IF_BOTH(kill, IS(1, SIGKILL), OF_ONE(0), "a child, or a session"),
    /* No filter can limit this call: the path is in memory, and the number of
     * a descriptor says nothing about its file. */
    MAY(execveat, "gate, auth, log, reader and others, by descriptor"),
    MAY(pidfd_open, "reader: to wait for its end with a deadline"),
    MAY(dup2, "standard descriptors of a child"),
    MAY(dup3, "standard descriptors of a child"),

    MAY(open, "users file, configuration; libraries of a child"),
    MAY(openat, "users file, configuration, homes; libraries of a child"),
    MAY(openat2, "homes"),
    MAY_IF(ioctl, IS(1, BTRFS_IOC_FS_INFO), "a home's quota: which btrfs"),
    MAY_IF(ioctl, IS(1, BTRFS_IOC_INO_LOOKUP), "the same: which subvolume"),
    MAY(stat, "configuration: owner and mode"),
    MAY(lstat, "configuration: owner and mode"),
    MAY(newfstatat, "configuration: owner and mode"),
    MAY(statx, "configuration: owner and mode"),
    MAY(access, "ld.so looks for preloads"),
    MAY(faccessat, "ld.so looks for preloads"),
    MAY(faccessat2, "ld.so looks for preloads"),
    MAY(readlink, "its own binary"),
    MAY(readlinkat, "its own binary"),
    MAY(fchdir, "chroot of a child"),
    MAY(umask, "modes of new files"),
    MAY(flock, "users file, for a new hash: the lock of sallyportctl; the file "
               "of bans: one writer at a time"),
    MAY(fchmod, "the new users file: the mode of the old one"),
    MAY(fchmodat, "the control socket's mode, when a start has succeeded"),
    MAY_IF(fchownat, IS(2, (unsigned)-1), "the same: its group"),
    MAY(fsync, "the new users file, the file of bans, and their directories"),
    MAY(renameat, "they get their names, whole or not at all"),
    MAY(renameat2, "the same, where there is no renameat"),
    MAY_IF(linkat, IS(4, 0),
           "the users file: which one the disk has now, before "
           "a new hash; of a name, never of a handle"),
    MAY(memfd_create, "users for auth, sealed; reader's answer"),
    MAY_IF(fcntl, IS(1, F_ADD_SEALS), "settings and users for the others"),
    MAY_IF(fcntl, IS(1, F_SETSIG), "is the users file being written"),
    MAY_IF(fcntl, IS(1, F_SETLEASE), "the same"),

    MAY(accept4, "sallyportctl; the socket was made before the sandbox"),
    MAY(unlinkat, "that socket's name, at the end; leftovers of the files that "
                  "master replaces"),
    MAY(getsockopt, "is it a connection that gate reports; gate's set-up; "
                    "the uid of a caller of the control socket"),
    MAY(pread64, "ld.so reads headers; files by descriptor"),

    MAY(chroot, "sandbox of a child"),
    MAY(setgroups, "sandbox of a child"),
    MAY(setresgid, "sandbox of a child"),
    MAY(setresuid, "sandbox of a child"),
    MAY(getgroups, "sandbox of a child, checked"),
    MAY(getresgid, "sandbox of a child, checked"),
    MAY(getresuid, "sandbox of a child, checked"),
    MAY(capget, "sandbox of a child, checked"),
    MAY(capset, "sandbox of a child"),
    MAY_IF(prctl, IS(0, PR_GET_NO_NEW_PRIVS), "sandbox of a child, checked"),
    MAY_IF(prctl, IS(0, PR_GET_DUMPABLE), "sandbox of a child, checked"),
    MAY_IF(prctl, IS(0, PR_SET_PDEATHSIG), "a child ends with master"),
    MAY(landlock_create_ruleset, "sandbox of files"),
    MAY(landlock_add_rule, "sandbox of files"),
    MAY(landlock_restrict_self, "sandbox of files"),
    MAY(getrlimit, "limits checked at start"),
    MAY(setrlimit, "limits of a child"),

    /* Calls of ld.so and libc at the start of a program. */
    MAY(mmap, "ld.so maps code"),
    MAY(mprotect, "ld.so: RELRO"),
    MAY(arch_prctl, "thread pointer"),
    MAY(set_tid_address, "libc"),
    MAY(rseq, "libc"),
    MAY(sched_getaffinity, "libc, OpenSSL"),
    MAY(uname, "libc, OpenSSL"),
    END_OF_LIST,
};

const struct policy policy_master = { may,
                                      { &policy_gate, &policy_auth,
                                        &policy_files, &policy_log,
                                        &policy_reader, NULL } };
