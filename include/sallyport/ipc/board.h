/* Memory in which processes of all generations show their state: the board, a
 * page that the supervisor makes and keeps; and a page for each process that
 * has a heartbeat. */
#ifndef SALLYPORT_IPC_BOARD_H
#define SALLYPORT_IPC_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "sallyport/base/shared.h"

/* The board. Supervisor and masters write it; each gate reads it before it
 * accepts a connection. A supervisor of an older build starts masters of newer
 * builds, so the layout never changes: another layout gets another name. No
 * number in it is an index or a size. */
#define BOARD_NAME "board 2"
#define BOARD_ROWS 32

/* A living generation. Its supervisor writes the number, its master everything
 * else. */
struct board_row {
    uint64_t generation; /* 0: no generation has this row */
    uint64_t master;     /* grows as long as its loop runs */
    uint64_t gate;       /* the count that master has read last from its gate's
                          * page */
    uint64_t sessions;   /* living sessions, for systemd */
    uint64_t transfers;  /* transfers since the service began, for systemd */
    uint64_t away;       /* 1: the users file or all homes can't be reached */
};

struct board {
    uint64_t drains;  /* when the drain begins, by clock_ms(); 0: no drain */
    uint64_t accepts; /* the generation with the gate that accepts clients */
    uint64_t edits;   /* how many changes of the users file were announced */
    struct board_row row[BOARD_ROWS];
};

/* Makes the board. Returns its descriptor or -errno. Map it by SHARED_MAP(),
 * which makes a private board if the descriptor is -1, for a test. */
int board_make(void);
/* Returns the row of that generation, or NULL. */
struct board_row *board_find(struct board *b, uint64_t generation);
/* Has a drain begun? */
bool board_drains(const struct board *b);
/* Does the server drain, or will it? */
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

/* The page of one process. An attacker who controls the process can only make
 * it look alive, or dead. */
struct beat {
    uint64_t count; /* grows as long as its loop runs */
};

/* Makes a page, and maps it for reading. Returns its descriptor or -errno. The
 * caller unmaps it by SHARED_UNMAP(). The process that counts maps it for
 * writing. */
int beat_make(struct beat **ret);

/* A process with a heartbeat counts once in this time. */
#define BEAT_MS 2000

/* Watches the counts of a process. The watcher measures the time by its own
 * looks: after a pause of the whole machine only one look finds no new
 * count. */
struct pulse {
    uint64_t count;  /* at the last look */
    uint64_t silent; /* ms of looks that found no new count */
};

/* Notes COUNT, found MS after the previous look. Returns true if it is a new
 * count. */
bool pulse_look(struct pulse *p, uint64_t count, uint64_t ms);

#endif
