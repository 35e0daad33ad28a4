/* A fault of fsync for every process that the test forks afterwards: this
 * program's own fsync stands before libc's. */
#ifndef TESTS_FILES_SYNCS_H
#define TESTS_FILES_SYNCS_H

#include <stdbool.h>

/* EIO for any folder: so it shows that one is synced. */
extern bool sync_folders_fail;

#endif
