/* Common to all parts of master: its state, its place among the generations,
 * its own events. There is one struct master, and each function gets it;
 * nothing here is global. */
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

/* An inherited descriptor and its name. */
struct inherited {
    const char *name;
    int fd;
};

/* Master's place among the generations: what it inherits from the generation
 * before, what the supervisor keeps for the next one, and whether it leads. */
struct succession {
    uint64_t generation;
    bool leads;    /* `lead` has come; stays true while it retires */
    bool serves;   /* gate has reported that it accepts */
    bool recovery; /* inherited files aren't read from the disk again */
    struct channel supervisor;
    struct loop_watch watch;
    struct buf names; /* of the inherited descriptors */
    struct inherited *inherited;
    size_t count;
};

/* Sets no supervisor and nothing inherited. A test starts master in this
 * way. */
void succession_init(struct succession *s);
/* Takes what the supervisor has prepared. Returns 0, or -errno if no supervisor
 * has started this process. */
int succession_open(struct succession *s);
void succession_release(struct succession *s);

/* Returns the inherited descriptor of that name, which the caller then owns, or
 * -1. S may be NULL. */
int succession_inherit(struct succession *s, const char *name);
/* During a recovery: returns a copy of the file that was in use under this
 * path. Otherwise returns -1. */
int succession_recover_file(struct succession *s, const char *path);
/* Did the generation before use a file with the bytes of FD, at most MOST of
 * them, under this path? */
bool succession_had_file(const struct succession *s, const char *path, int fd,
                         size_t most);
/* Asks the supervisor to keep FD, a copy of the file PATH that is in use. */
int succession_keep_file(struct succession *s, const char *path, int fd);
/* Closes the inherited descriptors that nobody has taken. */
void succession_close_untaken(struct succession *s);
/* Does the same as SEND() to the supervisor, but waits up to 10 s for room;
 * master does nothing else meanwhile. After that the message is lost. */
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
#define MASTER_CALLERS  16                 /* at the control socket */
#define MASTER_PROGRAMS 6

/* Keys that are the same in all masters of one service. Masters of other builds
 * read this struct, so a new key is added at the end. */
struct secrets {
    uint8_t names[SIPHASH_KEY];    /* other keys are derived from it */
    uint8_t versions[SIPHASH_KEY]; /* of users' rows */
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
    /* Starts a process BINARY with that main channel and set-up. The caller
     * keeps the descriptors. Returns its pid or -errno. */
    pid_t (*spawn)(const struct master *m, const char *binary, int channel,
                   const struct setup *setup);
    /* Runs in the fork; never returns. */
    void (*files)(struct master *m, const struct files_start *start);
    /* Gets what a session does. */
    void (*doing)(struct master *m, const struct msg_doing *msg);
    /* A look at the users file is over. */
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
    D(silence, 60000)     /* auth gives no verdict while questions are open */\
    D(verdict, 15000)     /* a login: to its verdict; else it gets BUSY */    \
    D(files, 10000)       /* files: to `ready`; then it is LATE */            \
    D(mark, 1000)         /* a late directory: to the first retry */          \
    D(unread, 120000)     /* log: to read the lines of an ended process */    \
    D(kick, 2000)         /* from MSG_kick to the kill */                     \
    D(sync, 30000)        /* after a session: files to sync, it to exit */    \
    D(stop, 5000)         /* all sessions: to be gone */                      \
    D(ask, 10000)         /* ctl: to send a request, or hang up */            \
    D(look, 1000)         /* sessions: to say what they do */                 \
    D(renew, 150000)      /* the supervisor: to answer a reload */            \
    D(users, 2000)        /* between two checks of the users file */          \
    D(quiet, 2000)        /* a changed users file: to stay as it is */        \
    D(write, 10000)       /* a new password: to be in that file */            \
    D(reader, 5000)       /* a fork: to read it; reader: to parse it */       \
    D(reader_mib, 1000)   /* more time for each MiB of the file */            \
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
 * errands that may hang: ERRANDS_PER_MARK for each directory (hanging.c), some
 * for the users file, the look at the homes, and the writers of a new password
 * and of the bans. */
#define ERRANDS_PER_MARK  3
#define ERRANDS_MARKS     64
#define ERRANDS_FOR_USERS 9
#define ERRANDS_OTHERS    3
#define ERRANDS_MAX                                                            \
    (ERRANDS_PER_MARK * ERRANDS_MARKS + ERRANDS_FOR_USERS + ERRANDS_OTHERS)

struct errand {
    pid_t pid;                               /* 0: this place is free */
    void (*on_end)(void *owner, int status); /* NULL: it was late, and hangs */
    void *owner;
    bool finishes; /* it has no deadline, and master's end waits for it */
    struct loop_timer timer;
};

struct master {
    struct settings settings;
    struct deadlines deadlines;
    struct master_hooks hooks;
    bool root;  /* run by root */
    bool check; /* --check: only gate starts, without listeners */
    size_t auth_count;
    struct account_ids account[ACCOUNTS]; /* ids of the children, and the group
                                           * of the control socket */

    /* Opened at the start, and passed to children, also to restarted ones. */
    int programs[MASTER_PROGRAMS]; /* their descriptors (exec.c) */
    int memory[MEMORIES];          /* to read and write */
    int memory_read[MEMORIES]; /* the same memory, only to read, for gate; or -1
                                */
    int conf;                  /* the settings, a sealed memfd */
    /* The largest max_sessions of the earlier generations, since all their
     * sessions may still live. 0: this is the first generation, or the limit of
     * descriptors leaves no room for them. */
    uint64_t most_before;
    int empty;     /* the directory to chroot to; without root any file */
    bool no_empty; /* --check: the directory is missing, and a start would make
                    * it */
    bool prefixed; /* standard error is a stream to journald */
    struct succession succession;
    /* Deadline of reader and check at a start; 0: each has its own
     * (--check). */
    uint64_t helpers_until;

    struct loop loop;
    struct signals signals;
    enum master_state state;
    struct board *board;     /* NULL in a test of one part */
    struct board_row *row;   /* its own */
    bool drains;             /* the last order that drain_follow() obeyed */
    struct loop_timer drain; /* until the announced beginning */
    /* Set when a child is ready, a record is free or a caller has left. At the
     * end of the turn run_on_turn_over() then checks whether the start, stop or
     * retirement is complete. */
    bool may_be_over;
    int status; /* what main returns: 0 or a sysexits code */
    struct loop_timer deadline;
    pid_t survey; /* helper_survey() has started it; 0: none */
    struct errand errand[ERRANDS_MAX];

    /* The parts of master. A sub-room may use a part if it may include its
     * header. A process files drops all parts. */
    struct master_parts *parts;
    struct certificates *certificates;
    struct listeners *listeners;
    struct children *children;
    struct services *services;
    struct session_table *sessions;
    struct guesses *guesses;
    struct banning *banning;
    struct metrics *metrics; /* only master writes the gauges; NULL in a test */
    struct userdb *users;
    struct access *access;
    struct control *control;
    struct roster *roster; /* of this generation; all masters see it */
    struct older *older;   /* OLDER_MAX of them */
    /* orders: until the next look at the older rosters or, in a generation that
     * retires, at the orders in its own roster. orders_taken: how many orders
     * it has taken. */
    struct loop_timer orders;
    uint64_t orders_taken;
    struct retirement *retirement;
    struct loop_timer heartbeat;

    time_t since; /* when this generation was ready */
    struct secrets secrets;
    struct complaint unnamed;  /* about listeners; or "" */
    struct prepared prepared;  /* check's answers, for the steps of a start */
    struct complaint key_lost; /* why the next start will have another key; or
                                * "" */

    bool logs; /* log is ready */
    struct event_sender events;
    struct loop_watch events_watch;
};

/* Sets all fields. Zeroed memory isn't enough, since descriptors must be -1.
 * Read the settings next, and add the parts by parts_attach(). */
void master_init(struct master *m);
/* Returns the number of sessions that this generation must have room for. */
size_t master_places(const struct master *m);
/* Sends an event of master's own: EVENT_SERVICE, _PEER or _CHILD. While there
 * is no log, the event also goes to standard error, since log may never start.
 */
void master_report(struct master *m, enum event e, enum process about,
                   const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Sends any other event. While there is no log, the event waits for the next
 * log. */
void master_send(struct master *m, const struct event_record *r);
/* Ends the start or the run with STATUS. During a start, the supervisor gets
 * WHY. */
void master_fail(struct master *m, int status, const char *why);
/* A writer finishes its work even if master dies or systemd ends the service.
 */
enum errand_kind { ERRAND_LOOKS, ERRAND_WRITES };
/* Forks a process that calls RUN(ARG), and exits with the result. It has only
 * the standard descriptors and the N in KEEP, and none of master's keys.
 * Returns its pid or -errno. */
pid_t errand_fork(struct master *m, enum errand_kind kind,
                  int (*run)(void *arg), void *arg, const int *keep, size_t n);
/* Calls ON_END(OWNER) with the wait status of the child PID, or with -ETIMEDOUT
 * after WAIT_MS, when PID is killed. WAIT_MS 0: the child writes a file, so it
 * has no deadline, and master's end waits for it. Returns 0; -EBUSY: too many
 * errands hang; then PID is killed, and ON_END isn't called. */
int errand_watch(struct master *m, pid_t pid, uint64_t wait_ms,
                 void (*on_end)(void *owner, int status), void *owner);
/* Kills the errand with this ON_END, which is called with -ECANCELED at
 * once. */
void errand_cancel(struct master *m, void (*on_end)(void *owner, int status));
bool errands_have(const struct master *m, pid_t pid);
/* Call it when the child PID was reaped. Returns true if it was an errand. */
bool errand_reaped(struct master *m, pid_t pid, int status);
/* Counts the errands of OWNER that were late and still live. */
size_t errands_hanging(const struct master *m, const void *owner);
/* At master's end: kills the errands that have a deadline, without waiting.
 * Then errands_finish() says whether an errand without a deadline is left. */
void errands_stop(struct master *m);
bool errands_finish(const struct master *m);

#endif
