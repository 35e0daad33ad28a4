/* The processes that master executes, and what it opens for them: programs,
 * listeners, certificates, channels to log and keys. */
#ifndef SALLYPORT_SRC_MASTER_CHILDREN_H
#define SALLYPORT_SRC_MASTER_CHILDREN_H

#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "core/core.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/loop.h"
#include "sallyport/domain/limits.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/ipc/setup.h"
#include "sallyport/settings/settings.h"

struct child;
struct session_record;

/* The programs that master executes, each by its own descriptor. If the package
 * changes meanwhile, all processes of a generation are still of one build. */

/* Opens the programs in the directory of our own binary. A recovery, which is
 * executed from the inherited binary, uses the inherited programs. FD has
 * MASTER_PROGRAMS places. Returns 0, or -EINVAL with the complaint. */
int programs_open(struct succession *s, int *fd, struct complaint *c);
/* Asks the supervisor to keep the programs, and our own binary, for a recovery.
 * Returns 0 or -errno. */
int programs_keep(struct succession *s, const int *fd);

/* Returns the descriptor of "gate" and so on, or -1. */
int programs_find(const int *fd, const char *name);

/* Hook `spawn`: forks a process that becomes BINARY, with its channel and what
 * the set-up gives to it. Returns its pid or -errno. */
pid_t exec_child(const struct master *m, const char *binary, int channel,
                 const struct setup *setup);

/* A program that master waits for. */
struct helper {
    const char *name;
    const char *argv[5];
    int fd[4]; /* they become 3, 4 and so on; the first 0 ends the list */
};
/* Starts the helper H, and doesn't wait for it. Returns its pid or -errno. */
pid_t exec_start_helper(const struct master *m, const struct helper *h);
/* Waits for the child PID. Returns its wait status; -ETIMEDOUT: it was killed
 * after WAIT_MS; or another -errno. If PID is an -errno itself, returns PID.
 * Only for a start: master does nothing else meanwhile. */
int exec_wait(pid_t pid, int wait_ms);
/* Starts the helper H, and waits for it as exec_wait() does. If WAIT_MS is 0 or
 * less, returns -ETIMEDOUT and doesn't start H. */
int exec_helper(const struct master *m, const struct helper *h, int wait_ms);
/* Complains that NAME has failed; STATUS is the result of exec_helper().
 * Returns -EINVAL. */
int exec_failed(const char *name, int status, struct complaint *c);

/* Makes reader read FILE with the name PATH within WAIT_MS.
 * src/server/reader/main.c has the modes. Returns a sealed memfd, which only
 * reader could write; -EINVAL: FILE has a mistake, and *c says which; another
 * -errno: reader has failed. */
int reader_ask(const struct master *m, const char *mode, const char *path,
               int file, int wait_ms, struct complaint *c);
/* Starts reader without waiting. *ANSWER is the caller's. Returns its pid or
 * -errno. */
pid_t reader_start(const struct master *m, const char *mode, const char *path,
                   int file, int *answer);
/* STATUS is how reader has ended, or -errno. Returns 0: ANSWER is whole, and
 * sealed now; -EINVAL with its complaint, which was in ANSWER; another -errno:
 * reader has failed. */
int reader_ended(int status, int answer, struct complaint *c);

/* Channels to the services: from each process to log, and from gate and
 * sessions to keys. Master holds the service's end of each channel until
 * nothing more can come out of it, and passes it to each log or keys that
 * starts. So a restart of a service loses nothing that waits in a channel, and
 * the process at the other end doesn't notice the restart. */

/* Describes the process at the other end. The service trusts master for this,
 * not the process itself. */
struct speaker {
    enum process process;
    uint64_t serial; /* 0: belongs to no session */
    struct address peer;
    char user[USER_NAME_MAX + 1]; /* the logged-in user; "": nobody */
};

struct service_channel {
    TAILQ_ENTRY(service_channel) next;
    enum process service; /* PROCESS_LOG or PROCESS_KEYS */
    struct speaker who;
    int end;
    bool given;     /* passed to the service that runs now */
    bool held;      /* not passed before the client's address is known */
    bool ended;     /* its process has ended, but unread messages may wait */
    uint64_t since; /* when it was passed to the service, or its process
                     * ended */
};

TAILQ_HEAD(service_list, service_channel);

struct services {
    struct service_channel *all;
    size_t size;
    struct service_list free, open;
    size_t ended_count, ended_max;
    uint64_t lost; /* ended processes that lost their last events since the last
                    * report */
    struct loop_timer sweep; /* armed while ended_count > 0 */
};

/* Returns how many channels of ended processes are kept at most. */
size_t services_ended_max(size_t sessions);
/* Makes room for the channels of SESSIONS records. Returns 0 or -ENOMEM. */
int services_init(struct master *m, size_t sessions);
/* Reports how many ended processes have left messages that no log took. */
void services_release(struct master *m);

/* Takes END, the service's end of a channel. Returns NULL if there is no room;
 * END is then closed. */
struct service_channel *service_open(struct master *m, enum process service,
                                     const struct speaker *who, int end);
/* Call it when the address of a proxied session's client is known: the channel
 * may be passed on. This function, service_named() and service_end() do nothing
 * if there is no channel. */
void service_known(struct service_channel *c, const struct address *peer);
/* Call it when USER has logged in on the session of this channel. */
void service_named(struct service_channel *c, const char *user);
/* Has USER so many ended processes with unread events that the user gets no
 * further session? Each takes a place of log, since log delays the events of a
 * user over the rate; without a limit one user could take all places. */
bool services_are_full(const struct master *m, const char *user);
/* Call it when the process at the other end has ended or must end. Log gets all
 * that the process has sent or still sends; if the channel is held, only what
 * the process has sent already (a proxy's health checks send nothing). Sessions
 * without a login may fill half of the places, other processes all. */
void service_end(struct master *m, struct service_channel **end);

/* Passes the services all channels that they take now. May be called at any
 * time. */
void services_flush(struct master *m);
/* The rows of log and keys call these. services_ready(): C takes channels from
 * now on. services_gone(): C has ended and isn't ready any more; the next child
 * of that process gets all its channels. */
void services_ready(struct child *c);
void services_gone(struct child *c);

/* The processes gate, auth, keys and log. A table (run.c) has the set-up of
 * each, and what follows its start and its end. */

/* This many restarts of a child may follow each other at once. */
#define CHILD_RESTARTS 5

enum child_state {
    CHILD_OFF,   /* not running; perhaps waiting for a restart */
    CHILD_SETUP, /* started, being set up */
    CHILD_READY, /* sandboxed and working */
    CHILD_ENDING /* its channel is closed; to be reaped */
};

/* A password verification that an auth worker has under way. */
struct verification {
    uint64_t serial;
    struct address peer;            /* of the session */
    struct session_record *session; /* NULL: no session waits for it any more */
};

struct child;

/* Adds what this process gets at its start. Returns 0 or -errno. */
typedef int child_set_up(struct child *c, struct setup *s);

struct child_row {
    enum process process; /* its name is also the name of its program */
    child_set_up *set_up;
    /* This child starts when keys is ready, since keys must sign in its set-up.
     * So keys reports a bad key; this child would only see that signatures
     * fail. */
    bool waits_for_keys;
    bool not_checked; /* --check starts without it */
    const struct handler *handlers;
    size_t handler_count;
    void (*on_ready)(struct child *c);
    void (*on_writable)(
        struct child *c); /* the channel is writable again after -EAGAIN */
    void (*on_gone)(struct child *c);
    void (*on_reaped)(struct child *c, int status);
    const char *late; /* why it ends when the timer of a ready child runs out */
};

struct child {
    struct master *master;
    const struct child_row *row;
    enum child_state state;
    pid_t pid; /* 0: no process */
    int status;
    struct channel channel;
    struct loop_watch watch;
    struct loop_timer
        timer;          /* for the set-up, a restart, or a child that hangs */
    bool started;       /* it was started at least once */
    uint64_t restarts;  /* debt_take() */
    uint64_t shortages; /* debt_take(): messages whose descriptors were lost */
    bool released;      /* it isn't started again */
    struct service_channel *log, *keys;
    struct verification verification[VERIFICATIONS_MAX]; /* auth */
    size_t verifications;
    uint64_t users;    /* auth: the edition of the users that it has; 0: none */
    char failure[256]; /* the reason in its message `failed` */
    struct beat *beat; /* gate, keys: the page where it counts; or NULL */
    struct pulse pulse;
    bool opened; /* gate: it has got `open`, and may begin sessions */
};

/* Starts C. A restart is immediate; but after CHILD_RESTARTS in a row C
 * restarts only once in each deadline `restart`. */
void child_start(struct child *c);
/* Closes the channel of C and kills C. When C is reaped, it starts again. WHY
 * goes to the log. */
void child_end(struct child *c, const char *why);
/* Call it when C was reaped. */
void child_reaped(struct child *c, int status);
/* Ends C without a message and for good. */
void child_release(struct child *c);
/* Has on_writable() called when the channel takes messages again. */
void child_wait_writable(struct child *c);

/* Handlers of the first messages of each child; owner: struct child. */
int child_on_ready(void *owner, struct msg_ready *msg);
int child_on_failed(void *owner, struct msg_failed *msg);
#define CHILD_MESSAGES ON(ready, child_on_ready), ON(failed, child_on_failed)

/* All children. */
struct children {
    struct child child[MASTER_CHILDREN];
    size_t count;
};

#define CHILDREN_EACH(m, c)                                                    \
    for (struct child *c = (m)->children->child;                               \
         c < (m)->children->child + (m)->children->count; c++)

/* Adds a child, which isn't started yet. */
void children_add(struct master *m, const struct child_row *row);
/* Returns the first child of kind P, or NULL. */
struct child *children_find(const struct master *m, enum process p);
/* Returns the first child of kind P that is ready, or NULL. */
struct child *children_ready(struct master *m, enum process p);
/* Returns the child with that pid, or NULL. */
struct child *children_by_pid(struct master *m, pid_t pid);

/* The listening sockets: master makes them, gate uses them. */
struct listener {
    int fd;
    struct address address; /* with the port that the kernel has assigned */
};

struct listeners {
    struct listener control[SETTINGS_LISTEN_MAX];
    size_t control_count;
};

/* Opens one control listener for each `listen`. Uses inherited listeners as
 * they are, and keeps all for the next generation. H may be NULL. Returns 0;
 * or, with the complaint, -EINVAL, or -EAGAIN: the error may pass. */
int listeners_open(struct listeners *l, const struct settings *s,
                   struct succession *h, struct complaint *c);
/* Complains of the listeners of systemd that the settings don't name, if there
 * are any. Call it before succession_close_untaken(). */
void listeners_unnamed(const struct settings *s, const struct succession *h,
                       struct complaint *c);
/* For --check: binds each `listen`, and closes the socket again. Returns the
 * results of listeners_open(), but 0 also if a port is in use: then *in_use has
 * the address. Otherwise its family is 0. */
int listeners_try(const struct settings *s, struct address *in_use,
                  struct complaint *c);
void listeners_release(struct listeners *l);

/* Adds "127.0.0.1:21, 127.0.0.1:990 tls, data ports 30000-30999". Returns 0 or
 * -ENOBUFS. */
int listeners_text(const struct listeners *l, const struct settings *s,
                   struct buf *into);

/* The certificates and keys as files. A fork of master checks the owner and
 * mode of each file and copies it, and master passes the copies to gate, keys
 * and auth. Master itself never reads a byte of them. */
struct named_file {
    int fd;           /* -1: there is none */
    const char *name; /* from the settings, for complaints */
    bool in_use; /* may have expired: an older generation used it, or this is
                  * the first start */
    int64_t expires; /* seconds since 1970, from gate; 0: not yet known */
};

struct certificate_facts {
    char fingerprint[FINGERPRINT_TEXT_MAX]; /* by gate; "": not yet */
    char pin[KEY_PIN_TEXT_MAX];
    char host[HOST_TEXT_MAX]; /* the first DNS name; "": none */
    bool self_signed;
};

struct certificates {
    /* An enum setup_place is the index: SETUP_CLIENT_CA, SETUP_CLIENT_CRL, and
     * COUNT pairs from SETUP_CERTIFICATE and SETUP_KEY on. */
    struct named_file file[SETUP_PLACES];
    struct certificate_facts facts[CERTIFICATES_MAX];
    size_t count;
};

/* Opens all pairs of the settings; no other user may be able to read a key.
 * Returns 0; or, with the complaint, -ETIMEDOUT: a disk hangs; or -EINVAL. */
int certificates_open(struct master *m, struct complaint *c);
void certificates_release(struct certificates *set);

/* Handler: gate reports when the first thing in a file expires. */
int certificates_on_expiry_is(void *owner, struct msg_expiry_is *msg);

/* Fills in *S, the set-up of C, by the row of C. After the start the caller
 * closes the descriptors of SETUP_LOG, SETUP_KEYS and SETUP_BEAT. Returns 0 or
 * -errno. */
int setup_child(struct child *c, struct setup *s);
child_set_up setup_log;
child_set_up setup_keys;
child_set_up setup_auth;
child_set_up setup_gate;

#endif
