/* The state of master, its place among the generations, and its own events,
 * which all parts of master use. There is one struct master, and each function
 * gets it; there are no global variables. */
#ifndef SALLYPORT_SRC_MASTER_CORE_H
#define SALLYPORT_SRC_MASTER_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/loop.h"
#include "sallyport/base/random.h"
#include "sallyport/event/event.h"
#include "sallyport/event/metrics.h"
#include "sallyport/ipc/board.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/settings/prepared.h"
#include "sallyport/settings/settings.h"

struct files_start;
struct master;
struct setup;
struct table_hooks;
struct user;
struct users;

/* An inherited descriptor and its name. */
struct inherited {
    const char *name;
    int fd;
};

/* Master's place among the generations: what it inherits from the previous
 * generation, what the supervisor keeps for the next generation, and whether it
 * leads. */
struct succession {
    uint64_t generation;
    bool leads;    /* the supervisor has sent `lead`; stays true while this
                    * generation retires */
    bool serves;   /* gate has reported that it accepts */
    bool recovery; /* after a crash: master uses inherited files, and doesn't
                    * read them from the disk */
    struct channel supervisor;
    struct loop_watch watch;
    struct buf names; /* the names of the inherited descriptors */
    struct inherited *inherited;
    size_t count;
};

/* Makes S empty: no supervisor, no inherited descriptors. A test starts master
 * with such an S. */
void succession_init(struct succession *s);
/* Takes the channel and the descriptors that the supervisor has prepared.
 * Returns 0; -errno: no supervisor has started this process, or another
 * error. */
int succession_open(struct succession *s);
void succession_release(struct succession *s);

/* Returns the inherited descriptor called NAME, which the caller then owns; -1:
 * there is none. S may be NULL. */
int succession_inherit(struct succession *s, const char *name);
/* Returns a copy of the descriptor of the file that the previous generation
 * used under PATH; -1: there is none, or this start is no recovery. */
int succession_recover_file(struct succession *s, const char *path);
/* Returns true if the previous generation used under PATH a file with the same
 * bytes as FD. A file with more than MOST bytes counts as different. */
bool succession_had_file(const struct succession *s, const char *path, int fd,
                         size_t most);
/* Asks the supervisor to keep FD, a copy of the file PATH that is in use. */
int succession_keep_file(struct succession *s, const char *path, int fd);
/* Closes the inherited descriptors that nobody has taken. */
void succession_close_untaken(struct succession *s);
/* Sends a message to the supervisor, as SEND() does. Waits up to 10 s for room
 * in the channel, and master does nothing else meanwhile; after 10 s the
 * message is lost. */
#define SUCCESSION_SAY(s, name, ...)                                           \
    succession_say(s, MSG_##name, MESSAGE_BODY(name, __VA_ARGS__))
int succession_say(struct succession *s, enum message_kind kind,
                   const void *body);
/* Asks the supervisor to keep a copy of FD under NAME. Waits as
 * SUCCESSION_SAY() does. Returns 0 or -errno. */
int succession_keep(struct succession *s, const char *name, int fd);
/* Asks the supervisor to keep BYTES under NAME, in a sealed file in memory,
 * which is never on a disk. Waits and returns as succession_keep(). */
int succession_keep_bytes(struct succession *s, const char *name,
                          struct slice bytes);
/* Reads the bytes that an earlier generation has kept under NAME. OUT gets at
 * most SIZE bytes. Returns how many were kept, or 0 if none were. The number
 * can differ from SIZE if that generation is of another build. */
size_t succession_inherit_bytes(struct succession *s, const char *name,
                                void *out, size_t size);

/* Master's state, and how its parts find each other. */
#define MASTER_AUTHS    4
#define MASTER_CHILDREN (3 + MASTER_AUTHS) /* log, keys, gate, auths */
#define MASTER_CALLERS  16                 /* callers at the control socket */
#define MASTER_PROGRAMS 6

/* Keys that are the same in all masters of one service. Masters of other builds
 * read this struct, so add a new key at the end. */
struct secrets {
    uint8_t names[SIPHASH_KEY];    /* other keys are derived from it */
    uint8_t versions[SIPHASH_KEY]; /* for the versions of users' rows */
};

/* Memory that processes share: memfds, which prepare_memory() makes or
 * inherits. All but the roster outlive a master. */
enum shared_memory {
    MEMORY_GATE, /* passes from gate to gate */
    MEMORY_GUESSES,
    MEMORY_BANS,
    MEMORY_METRICS, /* the counters and gauges */
    MEMORY_SURVEY,  /* empty; the process that looks at homes locks it */
    MEMORY_BOARD,   /* the supervisor has made it */
    MEMORY_ROSTER,  /* the table of this generation's sessions */
    MEMORIES
};

enum master_state {
    MASTER_STARTING, /* until all children are ready */
    MASTER_RUNNING,
    MASTER_RETIRING, /* a newer generation leads */
    MASTER_STOPPING,
};

/* Functions that tests replace. */
struct master_hooks {
    /* Forks a process that executes the program BINARY, with its main channel
     * and its set-up. The caller still owns the descriptors. Returns the
     * process's pid or -errno. */
    pid_t (*spawn)(const struct master *m, const char *binary, int channel,
                   const struct setup *setup);
    /* The main function of a forked process files; never returns. */
    void (*files)(struct master *m, const struct files_start *start);
    /* Gets a session's answer about what it does. */
    void (*doing)(struct master *m, const struct msg_doing *msg);
    /* Called when a look at the users file is over. */
    void (*users_read)(struct master *m);
};

/* How many milliseconds master waits for other processes. */
/* clang-format off */
#define DEADLINES(D) \
    D(setup, 15000)       /* a child: from its start to `ready` */            \
    D(restart, 10000)     /* a child: between two restarts, after a burst */  \
    D(leaving, 1000)      /* a child that has closed its channel: to end */   \
    D(stuck, 10000)       /* gate: to read its messages */                    \
    D(shut, 5000)         /* gate: to say `shut`, after login_timeout */      \
    D(silence, 60000)     /* auth: to a verdict, while questions wait */      \
    D(verdict, 15000)     /* a login: to its verdict; else it gets BUSY */    \
    D(files, 10000)       /* files: to `ready`; then it is LATE */            \
    D(mark, 1000)         /* a late directory: to the first retry */          \
    D(unread, 120000)     /* log: to read the lines of an ended process */    \
    D(unlogged, 500)      /* a login: between two looks at unread lines */    \
    D(kick, 2000)         /* from MSG_kick to the kill */                     \
    D(sync, 30000)        /* an ended session: its processes to exit */       \
    D(stop, 5000)         /* all sessions: to be gone */                      \
    D(last, 9000)         /* a stop: to the kill of log */                    \
    D(ask, 10000)         /* ctl: to send a request, or hang up */            \
    D(look, 1000)         /* sessions: to say what they do */                 \
    D(renew, 150000)      /* the supervisor: to answer a reload */            \
    D(users, 2000)        /* between two checks of the users file */          \
    D(quiet, 2000)        /* a changed users file: to stay as it is */        \
    D(write, 10000)       /* a new password: to be in the users file */       \
    D(reader, 5000)       /* users file: a fork to read, reader to parse it */\
    D(reader_mib, 1000)   /* more time for each MiB of the users file */      \
    D(compare, 10000)     /* between two looks at the certificates' files */  \
    D(fresh, 200)         /* a login: to wait for a new users file */         \
    D(reach, 7000)        /* users file and homes: to answer a look */        \
    D(pause, 2000)        /* after a look that failed */                      \
    D(beat, 3000)         /* between two looks at gate and keys */            \
    D(hang, 9000)         /* gate, keys: without a new count */
/* clang-format on */
struct deadlines {
#define DEADLINE(name, ms) uint64_t name;
    DEADLINES(DEADLINE)
};

/* A short-lived process of master: a fork that touches a disk, or reader, or
 * check. An errand that hangs keeps its place, so there are places for all
 * errands that can hang at once: ERRANDS_PER_MARK for each directory
 * (hanging.c), and some for the users file, for the looks at the homes and at
 * the certificates, and for the writers of a new password and of the bans. */
#define ERRANDS_PER_MARK  3
#define ERRANDS_MARKS     64
#define ERRANDS_FOR_USERS 9
#define ERRANDS_OTHERS    4
#define ERRANDS_MAX                                                            \
    (ERRANDS_PER_MARK * ERRANDS_MARKS + ERRANDS_FOR_USERS + ERRANDS_OTHERS)

struct errand {
    pid_t pid;                               /* 0: this place is free */
    void (*on_end)(void *owner, int status); /* NULL: it was late or cancelled,
                                              * and hasn't ended */
    void *owner;
    bool finishes; /* it has no deadline, and master's end waits for it */
    struct loop_timer timer;
};

struct master {
    struct settings settings;
    struct deadlines deadlines;
    struct master_hooks hooks;
    bool root;  /* root runs the server */
    bool check; /* --check: only keys and gate start, without listeners */
    size_t auth_count;
    struct account_ids account[ACCOUNTS]; /* ids of the children, and the group
                                           * of the control socket */

    /* Master opens these descriptors at its start, and passes them to its
     * children, also to restarted children. */
    int programs[MASTER_PROGRAMS]; /* descriptors of the programs (exec.c) */
    int memory[MEMORIES];          /* to read and write */
    int memory_read[MEMORIES]; /* the same memory, only to read, for gate; or -1
                                */
    int conf;                  /* the settings, a sealed memfd */
    /* The largest max_sessions of the earlier generations, since all their
     * sessions may still live. 0: this is the first generation, or the limit of
     * descriptors leaves no room for these sessions. */
    uint64_t most_before;
    int empty;     /* the directory to which processes chroot; if root doesn't
                    * run the server: any file */
    bool no_empty; /* --check: the directory is missing, and a start would make
                    * it */
    bool prefixed; /* standard error is a stream to journald */
    struct succession succession;
    /* Deadline of reader and check at a start; 0: each call has its own
     * deadline (--check). */
    uint64_t helpers_until;

    struct loop loop;
    struct signals signals;
    enum master_state state;
    struct board *board;     /* NULL in a test of one part */
    struct board_row *row;   /* this generation's row of the board */
    struct loop_timer drain; /* until the announced beginning of a drain */
    /* Set when a child is ready, a record is free or a caller has left. At the
     * end of the turn run_on_turn_over() then checks whether the start, stop or
     * retirement is complete. */
    bool may_be_over;
    int status; /* the exit status of master: 0 or a sysexits code */
    struct loop_timer deadline;
    uint64_t log_until; /* until then master's end waits for log; 0: no end has
                         * begun */
    pid_t survey;       /* helper_survey() has started it; 0: none; or -errno */
    struct errand errand[ERRANDS_MAX];

    /* The parts of master. A sub-room may use a part only if the sub-room may
     * include the part's header. A forked process files drops all parts. */
    struct master_parts *parts;
    struct certificates *certificates;
    struct listeners *listeners;
    struct children *children;
    struct services *services;
    struct session_table *sessions;
    const struct table_hooks *table_hooks;
    struct guesses *guesses;
    struct banning *banning;
    struct metrics *metrics; /* only master writes the gauges; NULL in a test */
    struct userdb *users;
    const struct users *rows; /* the newest rows of the users file */
    struct access *access;
    struct control *control;
    struct roster *roster; /* the table of this generation's sessions; the
                            * newest master maps it, too */
    struct older *older;   /* an array of OLDER_MAX */
    /* orders: until the next look at the older rosters or, in a generation that
     * retires, at the orders in its own roster. orders_taken: how many orders
     * this generation has taken. */
    struct loop_timer orders;
    uint64_t orders_taken;
    struct retirement *retirement;
    struct loop_timer heartbeat;
    struct loop_timer places; /* until the next look at open homes and shares */
    size_t places_turn;

    time_t since; /* when this generation was ready */
    struct secrets secrets;
    struct complaint unnamed;  /* a warning about listeners; or "" */
    struct prepared prepared;  /* check's answers, for the steps of a start */
    struct complaint key_lost; /* why the next start will have another key; or
                                * "" */

    bool logs; /* log is ready */
    struct event_sender events;
    struct loop_watch events_watch;
};

/* Sets all fields; zeroed memory isn't enough, since descriptors must be -1.
 * Next call parts_attach(), and read the settings. */
void master_init(struct master *m);
/* Returns the number of sessions that this generation must have room for. */
size_t master_places(const struct master *m);
/* Sends an event about the process ABOUT, with a reason. While log isn't ready,
 * also prints the event on standard error, since log may never start. */
void master_report(struct master *m, enum event e, enum process about,
                   const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Sends any other event. While log isn't ready, the event waits for the next
 * log. */
void master_send(struct master *m, const struct event_record *r);
/* Prints WHY, and ends the start or the run with STATUS. During a start, also
 * sends WHY to the supervisor. */
void master_fail(struct master *m, int status, const char *why);
/* Returns the newest row of the user NAME, or NULL. */
const struct user *master_user(const struct master *m, const char *name);
/* Opens PATH by O_PATH if the kernel has the whole path in memory, so that no
 * disk can make master wait. Returns the descriptor; -1: an error, or a disk is
 * needed. */
int master_open_cached(const char *path, uint64_t flags);
/* ERRAND_WRITES: the process finishes its work even if master dies or systemd
 * ends the service. */
enum errand_kind { ERRAND_LOOKS, ERRAND_WRITES };
/* Forks a process that calls RUN(ARG), and exits with the result. The process
 * has only the standard descriptors and the N descriptors in KEEP, and none of
 * master's keys. Returns its pid or -errno. */
pid_t errand_fork(struct master *m, enum errand_kind kind,
                  int (*run)(void *arg), void *arg, const int *keep, size_t n);
/* When the child PID has ended, calls ON_END(OWNER) with its wait status. After
 * WAIT_MS kills PID, and calls ON_END(OWNER) with -ETIMEDOUT. WAIT_MS 0: the
 * child writes a file, so it has no deadline, and master's end waits for it.
 * Returns 0; -EBUSY: all places are in use; then PID is killed, and ON_END
 * isn't called. */
int errand_watch(struct master *m, pid_t pid, uint64_t wait_ms,
                 void (*on_end)(void *owner, int status), void *owner);
/* Kills the errand that has this ON_END, and calls ON_END with -ECANCELED at
 * once. */
void errand_cancel(struct master *m, void (*on_end)(void *owner, int status));
bool errands_have(const struct master *m, pid_t pid);
/* Call it when the child PID was reaped. Returns true if it was an errand. */
bool errand_reaped(struct master *m, pid_t pid, int status);
/* Counts the errands of OWNER that were late or cancelled, and still live. */
size_t errands_hanging(const struct master *m, const void *owner);
/* Call it at master's end: kills the errands that have a deadline, without
 * waiting. Then errands_finish() returns true while an errand without a
 * deadline lives. */
void errands_stop(struct master *m);
bool errands_finish(const struct master *m);

#endif
