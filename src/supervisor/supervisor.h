/* The supervisor: it starts generations of the server, one beside the other,
 * and holds what outlives them. It reads no file and no client's byte. */
#ifndef SALLYPORT_SRC_SUPERVISOR_SUPERVISOR_H
#define SALLYPORT_SRC_SUPERVISOR_SUPERVISOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "kept.h"
#include "notify.h"
#include "sallyport/base/burst.h"
#include "sallyport/base/complaint.h"
#include "sallyport/base/loop.h"
#include "sallyport/ipc/channel.h"

#define GENERATIONS_MAX 8

struct supervisor;

enum generation_state {
    GENERATION_NONE,
    GENERATION_STARTING, /* until it is up, or has failed */
    GENERATION_TAKING,   /* until its gate has taken over */
    GENERATION_LEADING,  /* the newest one that is up: it accepts */
    GENERATION_OLD,      /* it finishes what it has begun */
    GENERATION_ENDED,    /* its master has ended; some of its group may not */
};

/* One master and all processes below it, which are a process group. */
struct generation {
    struct supervisor *supervisor;
    enum generation_state state;
    uint64_t number;
    pid_t pid; /* of master, and of the group */
    int status;
    struct channel channel;
    struct loop_watch watch;
    struct loop_timer timer; /* of the state */
    struct kept kept;        /* until it leads: then it is the supervisor's */
    bool has_gate, recovers;
    struct complaint failure; /* why it didn't start, in its own words */
};

/* Milliseconds that the supervisor gives a generation for something. */
struct supervisor_deadlines {
    uint64_t start;    /* to be up */
    uint64_t take;     /* to take over */
    uint64_t stop;     /* to end, after SIGTERM */
    uint64_t group;    /* the rest of a group, after its master's end */
    uint64_t recovery; /* between two, after a burst */
};

/* A sallyportctl that waits for a reload: the master that it asked. */
struct asker {
    struct generation *generation; /* NULL: none */
    uint32_t request;
    bool later; /* the reload under way began before it asked */
};
#define ASKERS_MAX 32

/* Starts after a crash: a burst, and then one at a time. */
struct recoveries {
    bool due;
    struct burst burst;
    struct loop_timer timer;
};
#define RECOVERIES_BURST 10

struct supervisor {
    char *const *argv;   /* the masters' too */
    const char *program; /* path of the program "master" */
    /* execv(3); a test puts its own here. */
    int (*execute)(const char *program, char *const *argv);
    struct supervisor_deadlines deadlines;
    struct loop loop;
    struct loop_watch signals;
    struct loop_timer deadline; /* of stopping */
    struct notify notify;
    /* A start needs a place beside those that live. */
    struct generation generation[GENERATIONS_MAX + 1];
    uint64_t last;                /* number of the last one started */
    struct kept kept;             /* what the next one inherits */
    struct generation *under_way; /* STARTING or TAKING */
    bool led;                     /* some generation has led */
    bool wanted;                  /* a reload, after the start under way */
    bool hung_up;                 /* SIGHUP for the generation under way */
    struct asker asker[ASKERS_MAX];
    struct recoveries recoveries;
    bool stopping;
    int status; /* of the supervisor's exit */
};

/* 0 or -errno. PROGRAM and ARGV live on. */
int supervisor_init(struct supervisor *s, const char *program,
                    char *const *argv);
/* Starts the first generation and works until none is left: the exit status. */
int supervisor_run(struct supervisor *s);
void supervisor_release(struct supervisor *s);

/* start.c: the first generation. False: it can't be started. */
bool start_first(struct supervisor *s);
/* Another one, since a reload was asked for: by G's master with that request,
 * or by SIGHUP, where G is NULL. */
void start_reload(struct supervisor *s, struct generation *g, uint32_t request);
/* What became of one: it is up; it accepts; its gate has ended; its master
 * was reaped. */
void start_on_up(struct generation *g);
void start_on_leading(struct generation *g);
void start_on_gate_lost(struct generation *g, bool handed_over);
void start_on_ended(struct generation *g);
void start_init(struct supervisor *s);

/* takeover.c: G, which is up, leads from here on; the others are told. */
void takeover_begin(struct generation *g);

/* generation.c: starts a master in a free place, which inherits what is kept.
 * NULL and a line on standard error if it can't be started. */
struct generation *generation_start(struct supervisor *s, bool recovery);
bool generation_lives(const struct generation *g);
/* (Re)arms the timer of the state. */
void generation_wait(struct generation *g, uint64_t ms);
/* SIGNAL to its master. */
void generation_signal(const struct generation *g, int signal);
/* SIGKILL to all of its group. */
void generation_kill(const struct generation *g);
/* Its master was reaped. */
void generation_reaped(struct generation *g, int status);
/* Frees the place of an ended one of which no process is left. */
void generation_settle(struct generation *g);
void generation_release(struct generation *g);

#endif
