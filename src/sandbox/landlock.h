/* Landlock: a process sees only the file system below a few directories. */
#ifndef SALLYPORT_SANDBOX_LANDLOCK_H
#define SALLYPORT_SANDBOX_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

/* Confines this process to N directories, for good. It needs no_new_privs.
 * ONLY_READS: the process may change nothing there, but may connect. Returns 0
 * or -errno; -ENOSYS and -EOPNOTSUPP: the kernel has no Landlock. */
int landlock_confine(const int *directories, size_t n, bool only_reads);

#endif
