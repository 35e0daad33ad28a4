/* Faults of renameat2 for every process that the test forks afterwards: this
 * program's own renameat2 stands before libc's. */
#ifndef TESTS_FILES_RENAMES_H
#define TESTS_FILES_RENAMES_H

#include <stdbool.h>

struct rename_faults {
    bool no_flags;      /* as NFS: EINVAL for any flag */
    unsigned slow_swap; /* microseconds after a swap, before it returns */
    const char *once; /* EIO for the first plain rename or link to this name */
    bool no_links;    /* EPERM for each link, as FAT */
    bool dies;        /* after a link: before the old name goes */
    const char *late; /* another file gets this name, before the first plain
                         rename or link to it */
};

/* All zero at the start: renameat2 and renameat as the kernel has them. */
extern struct rename_faults rename_faults;

#endif
