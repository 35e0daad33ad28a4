/* The sessions that gate has forked. */
#ifndef GATE_CHILDREN_H
#define GATE_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "active.h"
#include "sallyport/base/address.h"
#include "sallyport/base/loop.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/ipc/channel.h"

/* More messages than this in a second are a flood: no client needs so many
 * ports. */
#define CHILD_MESSAGES 4000
/* From the end of its channel to its kill. */
#define CHILD_GRACE_MS 2000
/* Beyond login_timeout and idle_timeout, which a session keeps by itself. */
#define CHILD_LATE_MS 5000
/* And this, for one that was late because the whole machine had stopped. */
#define CHILD_DOUBT_MS 2000
/* Until master is asked again to kill a session, while it doesn't read. */
#define CHILD_RETRY_MS 100

struct gate;
struct pair;

struct child {
    LIST_ENTRY(child) by_serial;
    LIST_ENTRY(child) by_pid; /* unless adopted */
    STAILQ_ENTRY(child) next; /* unused, or ended and not yet reported */
    TAILQ_ENTRY(child) waiting;
    struct gate *gate;
    uint64_t serial;
    bool adopted; /* another generation's process: master kills and reaps it */
    bool doomed;  /* adopted, and master knows that it must end */
    pid_t pid;
    int status;         /* once it ended */
    enum ending ending; /* what its death by a signal means */
    bool logged_in;
    uint64_t user;       /* once it has: master's number of the user; 0: none */
    bool waits;          /* counted as one that hasn't logged in */
    bool doubted;        /* it was late once */
    uint64_t heard;      /* when it said MSG_alive, or logged in */
    uint64_t silence_ms; /* so long it may say nothing */
    uint64_t born;
    bool proxied;          /* it came to a listener for proxies */
    bool known;            /* its client is, and counts */
    struct address peer;   /* the client; the proxy until then */
    struct address local;  /* where that connected to us */
    struct address server; /* where the client connected to */
    struct channel channel;
    struct loop_watch watch;
    struct loop_timer timer; /* until it has logged in, or must be heard; after
                                its channel */
    struct pair *pair;       /* the data connection that it expects */
    struct active active;    /* or the one that is made for it */
    uint64_t second;         /* messages are counted from here on */
    unsigned messages;
};
LIST_HEAD(child_list, child);
STAILQ_HEAD(child_queue, child);
TAILQ_HEAD(child_line, child);

struct children {
    struct child *slot;
    size_t size, buckets;
    struct child_list *serial, *pid;
    struct child_queue unused, ended;
    struct child_line waiting; /* to log in, the oldest first */
};

int children_init(struct gate *g); /* 0 or -ENOMEM */
void children_release(struct gate *g);

/* A session with its serial (0: a new one), counted in the limits; NULL: no
 * room. */
struct child *child_new(struct gate *g, uint64_t serial,
                        const struct address *peer, const struct address *local,
                        bool proxied);
/* Master never heard of it. */
void child_discard(struct child *c);
/* Master has, but there is no process: ended at once. */
void child_stillborn(struct child *c);
/* The process runs; FD is gate's end of the channel, owned from here on. */
void child_born(struct child *c, pid_t pid, int fd);

/* FD is gate's end of its channel, owned from here on. */
void child_connect(struct child *c, int fd);
/* Its messages are read from here on; it is killed if they can't be. */
void child_serve(struct child *c);

/* It waits from here on, to log in; limits.h counts it already. */
void child_waits(struct child *c);
/* And no longer: it has logged in, or must end. */
void child_settle(struct child *c);
/* Ends the oldest of a prefix that has more of those than any other. */
void children_make_room(struct gate *g);

/* Calls TELL for each that can be told something. */
void children_each(struct gate *g, void (*tell)(struct child *c));
struct child *child_find(struct gate *g, uint64_t serial);
/* Kills exactly that process: it is ours and not reaped, so its number can't
 * be another's. One that is adopted is master's to kill. WHY is what the log
 * says. */
void child_kill(struct child *c, enum ending why);
/* The same for what it did, in words, with an event of its own. */
void child_wrong(struct child *c, const char *what);

/* Master says so, and which USER. It may take its time now, and gets the keys
 * of tickets. */
void child_logged_in(struct child *c, uint64_t user);

/* After SIGCHLD. */
void children_reap(struct gate *g);
/* The session that it adopted has ended, by its own master's word. */
void child_adopted_gone(struct child *c, int status);
/* Tells master who is gone: 0, or -EAGAIN while it doesn't read. */
int children_report(struct gate *g);

#endif
