/* Faults of syncs, attributes, the disk and the clock. They hold in every
 * process that the test forks afterwards: this program's own fsync, fdatasync,
 * ftruncate, fsetxattr, fstatat, statx, fcntl, fstatfs, fstatvfs, getdents64,
 * time and clock_gettime replace libc's. */
#ifndef TESTS_FILES_SYNCS_H
#define TESTS_FILES_SYNCS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* Each sync of a directory fails with sync_error. So a test sees that the
 * directory is synced. */
extern bool sync_directories_fail;
/* Makes each sync of a directory last until sync_directories_go_on(). */
void sync_directories_wait(void);
void sync_directories_go_on(void);
/* Waits until a process syncs a directory. */
void sync_directories_expect(void);
/* The Nth sync of a file in a process fails with sync_error, and the later ones
 * succeed, as Linux reports a failed write; 0: none fails. */
extern unsigned sync_fails_at;
/* The error of the failing syncs; at first EIO. */
extern int sync_error;
/* Each look at this name in a directory fails with EIO; NULL: none fails. */
extern const char *look_fails;
/* Each change of an attribute fails with EOPNOTSUPP, as on a file system
 * without attributes. */
extern bool marks_fail;
/* The error of each change of an attribute; 0: none fails. */
extern int mark_error;

/* An attribute that must be new is written, but the call fails with EEXIST, as
 * on NFS after a restart of its server: the change is sent twice. */
extern bool marks_repeat;

/* The error of each request for a lease, or for the lock of a silent upload; 0:
 * the kernel answers. */
extern int lease_error;
/* The type of each disk; 0: the true one. */
extern long disk_type;

/* The owner of each regular file, as on cifs with uid=; 0: the true one. */
extern uid_t disk_owner;

/* The number of free bytes in the first answer to a process; later answers are
 * the disk's. 0: all answers are the disk's. */
extern uint64_t free_at_first;
/* The number of free bytes in each answer, whatever is removed, as on btrfs for
 * some seconds. 0: all answers are the disk's. */
extern uint64_t free_always;
/* free_always grows by this number at once with each name that is removed, as
 * on ext4. */
extern uint64_t free_per_name;

/* Seconds by which time(2) is ahead in these processes. */
extern time_t time_ahead;
/* Milliseconds by which the monotonic clock jumps ahead at each reading; -1: it
 * stands still. */
extern long clock_jumps;
/* Milliseconds by which the monotonic clock jumps ahead at each unlinkat(2). */
extern long unlinks_last;
void clock_on_unlink(void);
/* Directories have no end: each read of one begins at its start again. */
extern bool directories_endless;

/* The calls on files in these processes since sync_calls_begin(), one letter
 * each: d fdatasync, s fsync, t ftruncate, m fsetxattr, but r for the record of
 * SIZE, and no letter for the name that the client gave and the directory. */
void sync_calls_begin(void);
const char *sync_calls(void);

/* Sets errno, and returns -1. */
int fails(int error);

#endif
