/* One session that gate serves: one that it has forked, or one of an older
 * generation. */
#ifndef GATE_CHILD_H
#define GATE_CHILD_H

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
/* After login_timeout and idle_timeout, which a session keeps itself. */
#define CHILD_LATE_MS 5000
/* In addition: the whole machine may have stopped. */
#define CHILD_DOUBT_MS 2000
/* Until gate asks master again to kill a session, if master doesn't read. */
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

/* Frees the place of a session that master has not heard of. No other session's
 * end frees its place at once: that is children_report()'s. */
void child_discard(struct child *c);
/* Master has been told, but there is no process: reports the end at once. */
void child_stillborn(struct child *c);
/* The process of the session runs. Takes FD, gate's end of its channel. */
void child_born(struct child *c, pid_t pid, int fd);

/* Takes FD, gate's end of the session's channel. */
void child_connect(struct child *c, int fd);
/* From now on gate reads the session's messages. If that fails, it kills the
 * session. */
void child_serve(struct child *c);

/* The session waits for its login from now on. limits.h counts it already. */
void child_waits(struct child *c);
/* The session has logged in or must end: it no longer waits for its login. */
void child_settle(struct child *c);

/* Kills exactly that process: it is a child that isn't reaped yet, so its
 * number can't belong to another process. An adopted session is killed by its
 * own master. WHY is for the log. */
void child_kill(struct child *c, enum ending why);
/* The same after a wrong message; WHAT is for an event of its own. */
void child_wrong(struct child *c, const char *what);
/* R is the result of an answer to it: one that it doesn't read is wrong too. */
void child_answered(struct child *c, int r);

/* Master has reported the login of USER. Its login deadline ends, and it gets
 * the ticket keys. */
void child_logged_in(struct child *c, uint64_t user);

/* The process has ended and is reaped. */
void child_ended(struct child *c, int status);
/* An adopted session has ended, as its own master reports. */
void child_adopted_gone(struct child *c, int status);

#endif
