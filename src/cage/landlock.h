/* Landlock: the file system beneath a few folders, and nothing else. */
#ifndef SALLYPORT_CAGE_LANDLOCK_H
#define SALLYPORT_CAGE_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

/* Confines this process to the N folders, for good; needs no_new_privs.
 * ONLY_READS: it changes nothing there, but may connect. 0 or -errno: -ENOSYS
 * or -EOPNOTSUPP where the kernel has no Landlock. */
int landlock_confine(const int *folders, size_t n, bool only_reads);

#endif
