/* Faults of syncs and marks for every process that the test forks afterwards:
 * this program's own fsync, fdatasync and fsetxattr stand before libc's. */
#ifndef TESTS_FILES_SYNCS_H
#define TESTS_FILES_SYNCS_H

#include <stdbool.h>

/* EIO for any folder: so it shows that one is synced. */
extern bool sync_folders_fail;
/* EIO for the Nth sync of a file in a process, and success after it, as Linux
 * reports a failed write; 0: none fails. */
extern unsigned sync_fails_at;
/* EOPNOTSUPP for each mark, as on a file system without attributes. */
extern bool marks_fail;

/* What those processes did to files since the call, one letter each: d
 * fdatasync, s fsync, m fsetxattr, t ftruncate. */
void sync_calls_begin(void);
const char *sync_calls(void);

#endif
