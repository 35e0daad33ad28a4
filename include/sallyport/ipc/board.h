/* Memory in which processes of all generations show their state: the board, a
 * page that the supervisor makes and keeps; and a page for each process that
 * has a heartbeat. */
#ifndef SALLYPORT_IPC_BOARD_H
#define SALLYPORT_IPC_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/shared.h"

/* The board. The supervisor and the masters write it; each gate reads it before
 * it accepts a connection. A supervisor of an older build starts masters of
 * newer builds, so the layout under this name never changes: another layout
 * gets another name. The board has neither indexes nor sizes. */
#define BOARD_NAME "board 2"
#define BOARD_ROWS 32

/* The row of a living generation. The supervisor writes .generation, and that
 * generation's master everything else. */
struct board_row {
    uint64_t generation; /* 0: no generation has this row */
    uint64_t master;     /* grows as long as master's loop runs, or master's end
                          * waits for its children */
    uint64_t gate;       /* the count that master has read last from its gate's
                          * page */
    uint64_t sessions;   /* living sessions, for systemd */
    uint64_t transfers;  /* transfers since the service began, for systemd */
    uint64_t away;       /* 1: the users file or all homes can't be reached */
};

struct board {
    uint64_t drains;  /* when the drain begins, by clock_ms(); 0: no drain */
    uint64_t accepts; /* the generation with the gate that accepts clients */
    uint64_t edits;   /* the number of announced changes of the users file */
    struct board_row row[BOARD_ROWS];
};

/* Makes the board. Returns its descriptor or -errno. Map the board by
 * SHARED_MAP(); with descriptor -1 that makes a private board, for a test. */
int board_make(void);
/* Returns the row of GENERATION, or NULL. */
struct board_row *board_find(struct board *b, uint64_t generation);
/* Has a drain begun? */
bool board_drains(const struct board *b);
/* Does the server drain, or is a drain announced? */
bool board_announces_drain(const struct board *b);
/* Does the gate of this generation accept clients? */
bool board_accepts(const struct board *b, uint64_t generation);

/* Reads and writes numbers while other processes do the same. */
static inline uint64_t board_get(const uint64_t *number)
{
    return __atomic_load_n(number, __ATOMIC_SEQ_CST);
}
static inline void board_set(uint64_t *number, uint64_t to)
{
    __atomic_store_n(number, to, __ATOMIC_SEQ_CST);
}

/* The page of one process, for its heartbeat. An attacker who controls the
 * process can only make the process look alive, or dead. */
struct beat {
    uint64_t count; /* grows as long as the process's loop runs */
};

/* Makes a page, and maps it for reading. Returns its descriptor or -errno. The
 * caller unmaps the page by SHARED_UNMAP(). The process with the heartbeat maps
 * the page for writing. */
int beat_make(struct beat **ret);

/* A process with a heartbeat adds 1 to its count once in this time. */
#define BEAT_MS 2000

/* Watches the count of a process. The watcher adds up the times between its own
 * looks, so a pause of the whole machine is only one look without a new count.
 */
struct pulse {
    uint64_t count;  /* at the last look */
    uint64_t silent; /* ms since the last new count, the sum over the looks */
};

/* Notes COUNT, which the watcher has read MS after its previous look. Returns
 * true if COUNT is new. */
bool pulse_look(struct pulse *p, uint64_t count, uint64_t ms);

#endif
