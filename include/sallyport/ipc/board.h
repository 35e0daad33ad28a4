/* Memory by which the processes of all generations know each other's state: the
 * board, a page that the supervisor makes and keeps; and a page for each
 * process that has a heartbeat. */
#ifndef SALLYPORT_IPC_BOARD_H
#define SALLYPORT_IPC_BOARD_H

#include <stdbool.h>
#include <stdint.h>

/* The board. Supervisor and masters write it; gates only read it, each of them
 * before it accepts a connection. A supervisor of an older build starts masters
 * of newer ones: so the layout never changes, and another one gets another
 * name. Nothing in it is an index or a size. */
#define BOARD_NAME "board 2"
#define BOARD_ROWS 32

/* A generation that lives. Its supervisor writes the number, its master all
 * others. */
struct board_row {
    uint64_t generation; /* 0: no generation has this row */
    uint64_t master;     /* grows as long as its loop runs */
    uint64_t gate;       /* what it has read last from its gate's page */
    uint64_t sessions;   /* for systemd: those that live … */
    uint64_t transfers;  /* … and the transfers since the service began */
    uint64_t away;       /* 1: the users file or all homes can't be reached */
};

struct board {
    uint64_t drains;  /* clock_ms() from which on it drains; 0: it doesn't */
    uint64_t accepts; /* the generation with the gate that accepts clients */
    uint64_t edits;   /* announced changes of the users file */
    struct board_row row[BOARD_ROWS];
};

/* Makes the board. Returns its descriptor or -errno. */
int board_make(void);
/* Maps the board FD; -1: one of its own, for a test. Returns 0 or -errno. */
int board_map(int fd, bool to_write, struct board **ret);
void board_unmap(struct board **b);
/* Returns the row of that generation, or NULL. */
struct board_row *board_find(struct board *b, uint64_t generation);
/* Has a drain begun? */
bool board_drains(const struct board *b);
/* Does it drain, or will it? */
bool board_leaves(const struct board *b);
/* Is it the gate of this generation that accepts? */
bool board_accepts(const struct board *b, uint64_t generation);

/* The numbers are read and written while others do the same. */
static inline uint64_t board_get(const uint64_t *number)
{
    return __atomic_load_n(number, __ATOMIC_SEQ_CST);
}
static inline void board_set(uint64_t *number, uint64_t to)
{
    __atomic_store_n(number, to, __ATOMIC_SEQ_CST);
}

/* The page of one process. An attacker who controls that process can only make
 * it look alive, or dead. */
struct beat {
    uint64_t count; /* grows as long as its loop runs */
};

/* Makes a page, and maps it to read. Returns its descriptor or -errno. */
int beat_make(struct beat **ret);
/* Maps the page FD to write. FD stays the caller's. Returns 0 or -errno. */
int beat_map(int fd, struct beat **ret);
void beat_unmap(struct beat **b);

/* How often a process with a heartbeat counts. */
#define BEAT_MS 2000

/* Has that process counted? Whoever looks measures the time by its own looks:
 * after a pause of the whole machine only one of them is without a count. */
struct pulse {
    uint64_t count;  /* at the last look */
    uint64_t silent; /* ms of looks that found no new count */
};

/* A look MS after the one before found COUNT. Returns true if that is another
 * one than before. */
bool pulse_look(struct pulse *p, uint64_t count, uint64_t ms);

#endif
