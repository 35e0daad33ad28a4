/* Faults of syncs, marks, the disk and the clock for every process that the
 * test forks afterwards: this program's own fsync, fdatasync, fsetxattr,
 * fstatat, fcntl, fstatfs, fstatvfs, getdents64, time and clock_gettime replace
 * libc's. */
#ifndef TESTS_FILES_SYNCS_H
#define TESTS_FILES_SYNCS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* EIO for any directory: this shows that a directory is synced. */
extern bool sync_directories_fail;
/* Each sync of a directory lasts until sync_directories_go_on(). */
void sync_directories_wait(void);
void sync_directories_go_on(void);
/* Waits until a process is in such a sync. */
void sync_directories_expect(void);
/* sync_error for the Nth sync of a file in a process, and success afterwards,
 * as Linux reports a failed write; 0: none fails. */
extern unsigned sync_fails_at;
/* The result of such a sync; at first EIO. */
extern int sync_error;
/* EIO for each look at this name in a directory; NULL: for none. */
extern const char *look_fails;
/* EOPNOTSUPP for each mark, as on a file system without attributes. */
extern bool marks_fail;
/* The error of each mark; 0: it is written. */
extern int mark_error;

/* A mark that must be new is written, and then EEXIST, as on NFS after its
 * server began again: the change is sent twice. */
extern bool marks_repeat;

/* The result of each request for a lease; 0: the kernel's answer. */
extern int lease_error;
/* The type of each disk; 0: its own. */
extern long disk_type;

/* Each regular file belongs to this uid, as on cifs with uid=; 0: to its own.
 */
extern uid_t disk_owner;

/* The number of free bytes when a process asks for the first time; later
 * answers are the disk's. 0: all answers are the disk's. */
extern uint64_t free_at_first;
/* So many bytes are always free, whatever is removed, as on btrfs for some
 * seconds. 0: all answers are the disk's. */
extern uint64_t free_always;
/* So many bytes more, at once, with each name that is removed, as on ext4. */
extern uint64_t free_per_name;

/* Seconds that time(2) is ahead for these processes. */
extern time_t time_ahead;
/* Milliseconds that the monotonic clock jumps ahead at each reading; -1: it
 * stands still. */
extern long clock_jumps;
/* Milliseconds that it jumps ahead at each unlinkat(2). */
extern long unlinks_last;
void clock_on_unlink(void);
/* Each directory begins again at its end. */
extern bool directories_endless;

/* The calls of these processes on files since sync_calls_begin(), one letter
 * each: d fdatasync, s fsync, m fsetxattr, t ftruncate. */
void sync_calls_begin(void);
const char *sync_calls(void);

/* Sets errno, and returns -1. */
int fails(int error);

#endif
