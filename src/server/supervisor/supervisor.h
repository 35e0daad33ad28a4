/* The supervisor: it starts generations of the server, one beside the other,
 * and holds the descriptors that survive them. It reads no file, and no byte of
 * a client. */
#ifndef SALLYPORT_SRC_SUPERVISOR_SUPERVISOR_H
#define SALLYPORT_SRC_SUPERVISOR_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/loop.h"
#include "sallyport/base/slice.h"
#include "sallyport/ipc/board.h"
#include "sallyport/ipc/channel.h"

/* kept.c: the descriptors that survive a generation: listeners, and all others
 * that a recovery needs. Each descriptor has a name. The supervisor reads from
 * none of these descriptors, except its own mark in a session table. */

struct kept_row {
    char *name;
    int fd;
};

/* A struct kept of zeros is empty. */
struct kept {
    struct kept_row *row;
    size_t count, room;
};

/* Keeps a copy of FD under a new NAME. Closes FD, also after an error. Returns
 * 0 or -errno. */
int kept_add(struct kept *k, struct slice name, int fd);
/* Works as kept_add(), but K may have a descriptor called NAME already: then
 * the copy replaces it. */
int kept_replace(struct kept *k, struct slice name, int fd);
/* Returns the descriptor called NAME, which K still owns; -1: there is none. */
int kept_find(const struct kept *k, const char *name);
/* Call it when generation NUMBER has ended: marks its session table, for the
 * masters that map it, and drops the table. */
void kept_end_sessions(struct kept *k, uint64_t number);
/* Call it when a generation begins to lead; K is its list. Drops from K the
 * session tables that kept_end_sessions() has marked: the generations of these
 * tables have ended during the start of the new leader. */
void kept_drop_ended(struct kept *k);
void kept_release(struct kept *k);
/* Makes a sealed file that names all descriptors, after the line "HEADING
 * NUMBER". Returns the file's descriptor, which the caller closes, or
 * -errno. */
int kept_names(const struct kept *k, const char *heading, uint64_t number);
/* Call it after a fork: keeps the descriptors open across execve(2). Returns 0
 * or -errno. */
int kept_pass_on(const struct kept *k);

/* notify.c: reports the state of the service to systemd, by datagrams as in
 * sd_notify(3). */

/* Connects to systemd. WHERE is the value of $NOTIFY_SOCKET: a path,
 * "@abstract", or NULL. *RET gets the socket; after an error, and for NULL, it
 * gets -1. Returns 0 or -errno. */
int notify_open(int *ret, const char *where);
/* Sends TEXT, for example "READY=1". Never waits. FD -1: does nothing. */
void notify_send(int fd, const char *text);

/* status.c: the text of "systemctl status". */

struct shown {
    bool loaded; /* `sessions` and `transfers` are from the board */
    uint64_t sessions, transfers;
    char note[COMPLAINT_MAX + 96]; /* about the last reload; or "" */
};

#define GENERATIONS_MAX  8
#define RECOVERIES_BURST 10
/* Places for the live generations, for a starting generation, and for
 * generations that have lost their master but still have a process. */
#define GENERATION_PLACES (GENERATIONS_MAX + 1 + RECOVERIES_BURST)
_Static_assert(GENERATION_PLACES <= BOARD_ROWS, "each has a row on the board");

struct supervisor;

enum generation_state {
    GENERATION_NONE,
    GENERATION_STARTING, /* until it is ready or has failed */
    GENERATION_TAKING,   /* from `up` to `leading` */
    GENERATION_LEADING,  /* its gate accepts */
    GENERATION_OLD,      /* it finishes its sessions */
    GENERATION_ENDED, /* its master has ended or was given up; other processes
                       * of the generation may live */
};

/* One master and all processes below it. Together they are a process group. */
struct generation {
    struct supervisor *supervisor;
    enum generation_state state;
    uint64_t number;
    pid_t pid; /* pid of master, and number of the group */
    int status;
    struct channel channel;
    struct loop_watch watch;
    struct loop_timer timer; /* for the current state */
    struct pulse master, gate;
    /* The descriptors that this generation keeps, until it leads; then the
     * supervisor's own list gets them. So a generation that fails before it
     * leads changes nothing for a recovery. */
    struct kept kept;
    bool recovers;
    bool other_version; /* it has sent something that no master of this version
                         * sends */
    unsigned kills;     /* how often its processes were killed after its end */
    struct complaint failure; /* why it failed: words of master or of the
                               * supervisor */
};

/* Deadlines of a generation, in milliseconds. */
/* clang-format off */
#define SUPERVISOR_DEADLINES(D) \
    D(start, 60000)     /* to become ready */                                 \
    D(take, 12000)      /* to take over */                                    \
    D(stop, 9500)       /* from SIGTERM to the end */                         \
    D(gone, 200)        /* then, from one SIGKILL of its group to the next */ \
    D(group, 7000)      /* from its master's end to the kill of its group */  \
    D(recovery, 10000)  /* between two recoveries after a burst */            \
    D(retry, 1000)      /* to the next try of a recovery that failed */       \
    D(put_off, 2000)    /* until a due recovery ends a starting reload */     \
    D(look, 4000)       /* at most, between two looks at the board */         \
    D(silence, 12000)   /* a master: without a new count */
/* clang-format on */
struct supervisor_deadlines {
#define SUPERVISOR_DEADLINE(name, ms) uint64_t name;
    SUPERVISOR_DEADLINES(SUPERVISOR_DEADLINE)
};

enum reload_state {
    RELOAD_NONE,
    RELOAD_WANTED, /* it starts as soon as start.c's table permits */
    RELOAD_WAITS, /* 8 generations live, and the log says so: it starts when one
                   * of them has ended */
};

/* A request for a reload by sallyportctl, and the master that forwarded it. */
struct reload_asker {
    struct generation *generation; /* NULL: none */
    uint32_t request;
    bool later; /* the current start doesn't answer it */
};
#define ASKERS_MAX 32

/* The limit of starts after a crash: RECOVERIES_BURST at once, then one in each
 * interval. */
struct recoveries {
    bool due;
    uint64_t begun; /* debt_take() */
    struct loop_timer timer;
};

struct heartbeat {
    uint64_t watchdog; /* ms of systemd's watchdog; 0: there is none */
    struct loop_timer timer;
};

struct supervisor {
    char *const *argv;   /* arguments for the supervisor and the masters */
    const char *program; /* path of the program "master" */
    /* Executes a master: the program with the descriptor MASTER, or the
     * installed program if MASTER is -1. Returns only if that fails. Tests
     * replace it. */
    void (*execute)(const struct supervisor *s, int master);
    struct supervisor_deadlines deadlines;
    struct loop loop;
    struct signals signals;
    struct loop_timer deadline; /* the deadline of a stop */
    int notify_fd;
    struct shown shown;
    struct generation generation[GENERATION_PLACES];
    uint64_t last; /* number of the newest generation */
    struct board *board;
    int board_fd;
    struct kept kept;             /* descriptors for the next generation */
    struct generation *under_way; /* STARTING or TAKING */
    bool led;                     /* some generation has led */
    enum reload_state reload;     /* the next reload; see start.c */
    struct reload_asker asker[ASKERS_MAX];
    struct recoveries recoveries;
    struct heartbeat heartbeat;
    bool stopping;
    int status; /* the supervisor's exit status */
};

/* Visits each place of a generation, also the free places. */
#define GENERATIONS_EACH(s, g)                                                 \
    for (struct generation *g = (s)->generation;                               \
         g < (s)->generation + GENERATION_PLACES; g++)

/* PROGRAM and ARGV must outlive S. Returns 0 or -errno. */
int supervisor_init(struct supervisor *s, const char *program,
                    char *const *argv);
/* Starts the first generation, and works until no generation is left. Returns
 * the exit status. */
int supervisor_run(struct supervisor *s);
void supervisor_release(struct supervisor *s);

/* activation.c: activation_count() returns the number of listeners that systemd
 * has passed to the supervisor; these are the descriptors from 3 on.
 * activation_take() keeps COUNT such listeners. */
int activation_count(void);
void activation_take(struct supervisor *s, int count);

/* start.c: starts a generation. s->under_way is NULL afterwards if the start
 * fails. */
void start_now(struct supervisor *s, bool recovery);
/* Starts another generation for a reload. G is the generation that has sent
 * REQUEST; NULL after SIGHUP. */
void start_reload(struct supervisor *s, struct generation *g, uint32_t request);
/* Call it when G is ready: from now on its gate accepts, and the other
 * generations finish their sessions. */
void takeover_begin(struct generation *g);
/* Handles a master's message that its generation accepts now. OWNER: the struct
 * generation. */
int start_on_leading(void *owner, struct msg_leading *m);
/* Call it when G's master was reaped, or G was given up. */
void start_on_ended(struct generation *g);
/* Initializes s->recoveries: no recovery has begun yet. */
void start_init(struct supervisor *s);

/* Call it when the service is ready again: shows WHAT has just happened, with
 * its time, and WHY, a reason or "". WHAT "": shows nothing. */
void status_ready(struct supervisor *s, const char *what, const char *why);
/* Call it when the leading generation has reported its load. */
void status_loaded(struct supervisor *s, uint64_t sessions, uint64_t transfers);

/* heartbeat.c */
void heartbeat_init(struct supervisor *s);
/* Call it when a generation leads: from now on its master and gate must
 * count. */
void heartbeat_begin(struct supervisor *s);

/* generation.c: starts a master, which inherits the kept descriptors, in a free
 * place. If that fails, prints a line on standard error, and returns NULL. */
struct generation *generation_start(struct supervisor *s, bool recovery);
bool generation_lives(const struct generation *g);
/* Returns the row of G on the board. */
struct board_row *generation_row(const struct generation *g);
/* Sets the timer for the current state. */
void generation_set_timer(struct generation *g, uint64_t ms);
/* Sends SIGKILL to the whole group of G. */
void generation_kill(const struct generation *g);
/* Call it when the master of G was reaped with STATUS. */
void generation_reaped(struct generation *g, int status);
/* Kills the group of G and counts G as ended, since a process that waits for a
 * disk would not be reaped. WHY is the answer to the askers. */
void generation_give_up(struct generation *g, const char *why);
/* Sends SIGKILL to the group of an ended generation. After the second call the
 * generation counts as gone, so the sweep frees its place: a process that
 * survives SIGKILL waits for a disk. */
void generation_outlived(struct generation *g);
/* Frees the place of G if G has ended and none of its processes lives. Only the
 * sweep calls it, outside the callbacks of G. */
void generation_free_if_ended(struct generation *g);
void generation_release(struct generation *g);

#endif
