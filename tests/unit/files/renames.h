/* Faults of calls that change names or lock files. They hold in every process
 * that the test forks afterwards: this program's own renameat2, renameat,
 * linkat, unlinkat and flock replace libc's. */
#ifndef TESTS_FILES_RENAMES_H
#define TESTS_FILES_RENAMES_H

#include <stdbool.h>
#include <sys/types.h>

struct rename_faults {
    bool no_flags;    /* EINVAL for any flag, as on NFS */
    const char *once; /* EIO for the first link or plain rename to this name */
    const char *kept; /* kept_error for each removal of this name */
    int kept_error;
    unsigned most;   /* EIO for each link, and each rename with a flag, after so
                        many; 0: never */
    bool no_links;   /* EPERM for each link, as on FAT */
    const char *bad; /* EINVAL for each new name with this text, as on FAT */
    bool dies;       /* dies after a link, before the removal of the old name */
    bool locks_are_lost; /* each lock succeeds, whoever holds it */
    bool nodes; /* each process is on a machine of its own: locks of directories
                   have no effect between processes */
    bool modes; /* as on NFS: a shared lock needs a file that is open for
                   reading, an exclusive lock a file that is open for writing */
    ino_t spared;         /* whoever locks this file exclusively dies */
    const char *repeated; /* as on NFS after a restart of its server: a link or
                             plain rename to this name succeeds, but is sent
                             twice, and so returns an error */
    const char *vanishes; /* the file to be renamed is removed just before a
                             plain rename to this name */
    const char *late; /* another file gets this name just before the first link
                         or plain rename to it */
};

/* All zero at the start: no fault. */
extern struct rename_faults rename_faults;

#endif
