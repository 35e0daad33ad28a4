/* The table of processes: the ids and limits of each process. Data only.
 * src/server/ROOM/seccomp.c has the system calls; SECURITY.md says in words
 * what each process can't do. */
#include <stddef.h>

#include "sallyport/sandbox/sandbox.h"

static const struct sandbox_row rows[PROCESS_SANDBOXED] = {
    [PROCESS_MASTER] = { .forks = true },
    [PROCESS_GATE] = { .own_ids = true,
                       .empty_root = true,
                       .forks = true,
                       .silent = true },
    /* PROCESS_SESSION has no row: it is a fork of gate, and inherits gate's
       limits. */
    [PROCESS_AUTH] = { .own_ids = true, .empty_root = true, .silent = true },
    [PROCESS_KEYS] = { .own_ids = true, .empty_root = true, .silent = true },
    [PROCESS_FILES] = { .own_ids = true, .landlock = true, .silent = true },
    [PROCESS_LOG] = { .own_ids = true, .empty_root = true },
    [PROCESS_READER] = { .own_ids = true, .landlock = true },
    [PROCESS_CHECK] = { .landlock = true },
};

const struct sandbox_row *sandbox_row(enum process p)
{
    return (unsigned)p < PROCESS_SANDBOXED ? &rows[p] : NULL;
}
