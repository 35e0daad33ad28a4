/* Master: what it holds, and how its parts find each other. One struct, handed
 * to all; nothing here is global. */
#ifndef SALLYPORT_SRC_MASTER_CORE_MASTER_H
#define SALLYPORT_SRC_MASTER_CORE_MASTER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "sallyport/base/siphash.h"
#include "sallyport/event/event.h"
#include "sallyport/settings/prepared.h"
#include "sallyport/settings/settings.h"
#include "succession.h"

#define MASTER_AUTHS 4
#define MASTER_CHILDREN                                                        \
    (4 + MASTER_AUTHS)    /* log, keys, lookup, gate, auths                    \
                           */
#define MASTER_CALLERS 16 /* at the control socket */

struct files_start;
struct master;
struct session;

/* Keys that all masters of one service have alike. Another build reads this: a
 * new one goes to the end. */
struct secrets {
    uint8_t names[SIPHASH_KEY];    /* of partials, for files */
    uint8_t versions[SIPHASH_KEY]; /* of users' rows */
};

enum master_state {
    MASTER_STARTING, /* until all children are ready */
    MASTER_RUNNING,
    MASTER_DRAINING, /* a newer generation leads, or gate has ended */
    MASTER_STOPPING,
};

/* A part of master calls only those parts that its row in the matrix names
 * (tests/unit/tree/test_matrix.c). What must go the other way goes through
 * here; parts_attach() fills it in. */
struct master_hooks {
    /* The pid of a new process BINARY whose main channel is FD, or -errno. FD
     * stays the caller's. A test puts its own here, and for `files`. */
    pid_t (*spawn)(const struct master *m, const char *binary, int fd);
    /* In the fork; never returns. */
    void (*files)(const struct files_start *start);
    /* A child has become ready. */
    void (*child_ready)(struct master *m);
    /* A newer users file was read. */
    void (*users_read)(struct master *m);
    /* The master of S's generation, an older one, has to do what s->orders has
     * got. */
    void (*order)(struct session *s);
    /* A session's record is free, or a caller at the control socket has left:
     * is there anything left to do? Harmless at any time. */
    void (*settle)(struct master *m);
};

/* Milliseconds that master gives another process for something. */
struct deadlines {
    uint64_t setup;     /* a child: from its start to READY */
    uint64_t restart;   /* a child: between two, after a burst */
    uint64_t leaving;   /* it closed its channel: to end */
    uint64_t stuck;     /* gate: to read its messages */
    uint64_t silence;   /* auth: asked, and not one verdict */
    uint64_t verdict;   /* a login: then it is BUSY */
    uint64_t files;     /* files: to READY; then it is HOME */
    uint64_t hosts;     /* the start: for the first answers of lookup */
    uint64_t kick;      /* from the word to the kill */
    uint64_t stop;      /* all sessions: to be gone */
    uint64_t ask;       /* ctl: to ask, or to hang up */
    uint64_t renew;     /* the supervisor: to answer a reload */
    uint64_t users;     /* between two looks at the users file */
    uint64_t hand_over; /* gate: from the word to its end */
    uint64_t heartbeat; /* gate: to answer `health`; then `doubt` more */
    uint64_t doubt;
    uint64_t walk; /* files: to look for all partials of a user */
};

struct master {
    struct settings settings;
    struct deadlines deadlines;
    struct master_hooks hooks;
    bool root;  /* run by root */
    bool check; /* --check: gate alone, without listeners */
    size_t auth_count;
    struct identity identity[PROCESS_SANDBOXED]; /* of the children */

    /* Opened at start, handed to children, also to those started again. */
    int programs;       /* the first of their descriptors (programs.h) */
    int memory;         /* of gates, which outlives each of them; a memfd */
    int guesses_memory; /* outlives master, too; a memfd */
    int conf;           /* the settings, a sealed memfd */
    int empty;          /* the directory to chroot to; without root any file */
    bool no_empty;      /* --check: it is missing, a start would make it */
    struct succession succession;

    struct loop loop;
    struct loop_watch signals;
    enum master_state state;
    int status; /* what main returns: 0 or a sysexits code */
    struct loop_timer deadline;

    /* Its parts, each known to those who include its header. */
    struct certificates *certificates;
    struct listeners *listeners;
    struct hosts *hosts;
    struct children *children;
    struct services *services;
    struct session_table *sessions;
    struct guesses *guesses;
    struct userdb *users;
    struct access *access;
    struct control *control;
    struct older *older; /* OLDER_MAX of them */
    struct drain *drain;
    struct link *newest;
    struct heartbeat *heartbeat;

    time_t since; /* when it was ready */
    struct secrets secrets;
    struct complaint key_lost; /* why a restart makes another one; or "" */

    bool logs; /* log is ready */
    struct event_sender events;
    struct loop_watch events_watch;
};

/* Zero is not a state: descriptors are -1 after it. Settings are read into it
 * next. It has no parts yet: parts_attach() in parts.h. */
void master_init(struct master *m);
/* An event of master's own: EVENT_SERVICE, _PEER or _CHILD. Standard error
 * while there is no log. */
void master_report(struct master *m, enum event e, enum process about,
                   const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Ends the start or the run with STATUS; in the start, WHY is told. */
void master_fail(struct master *m, int status, const char *why);
/* Zeroed pages that no fork has: a user's process files need not know who else
 * is there. NULL: there are none. For munmap(2). */
void *master_memory(size_t bytes);

#endif
