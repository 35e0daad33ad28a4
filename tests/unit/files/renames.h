/* Faults of renameat2 and its like for every process that the test forks
 * afterwards: this program's own renameat2 replaces libc's. */
#ifndef TESTS_FILES_RENAMES_H
#define TESTS_FILES_RENAMES_H

#include <stdbool.h>

struct rename_faults {
    bool no_flags;      /* EINVAL for any flag, as on NFS */
    bool no_swap;       /* EINVAL for RENAME_EXCHANGE */
    unsigned slow_swap; /* microseconds from a swap to its return */
    const char *once; /* EIO for the first plain rename or link to this name */
    const char *once_replace; /* EIO for the first plain rename to this name */
    const char *kept;         /* EIO for each removal of this name */
    unsigned most;   /* EIO for every rename without replacing and every link
                        after so many; 0: never */
    bool no_links;   /* EPERM for each link, as on FAT */
    const char *bad; /* EINVAL for each new name with this in it, as on FAT */
    bool dies;       /* dies after a link, before it removes the old name */
    bool locks_are_lost; /* each lock succeeds, whoever has it */
    bool nodes; /* each process is on a machine of its own: the lock of a
                   directory holds for itself alone */
    bool modes; /* as on NFS: a file is locked for several only if it is open to
                   be read, and for one only if it is open to be written */
    const char *repeated; /* as on NFS after its server began again: a change
                             that gives or takes away this name succeeds, and
                             fails because it is done once more */
    const char *vanishes; /* a partial is removed just before a rename or link
                             to this name */
    bool folds;           /* a name that is made, moved, looked at or removed is
                             in lower case: the disk ignores case. Not for opens */
    const char *late;     /* another file gets this name before the first plain
                             rename or link to it */
};

/* All zero at the start: renameat2 and renameat are the kernel's. */
extern struct rename_faults rename_faults;

/* NAME as the disk has it, in one of two places. */
const char *renames_on_disk(const char *name);

#endif
