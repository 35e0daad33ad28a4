/* The processes that master executes, and the files and sockets that it opens
 * for them: programs, listeners, certificates, channels to log and keys. */
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

/* The programs. Master opens each program at its start, and executes it by the
 * descriptor. So all processes of a generation are of one build, even if the
 * package is replaced meanwhile. */

/* Opens the programs in the directory of master's own binary. A recovery, which
 * is executed from the inherited binary, uses the inherited programs. Writes
 * MASTER_PROGRAMS descriptors to FD. Returns 0; or -EINVAL, with the
 * complaint. */
int programs_open(struct succession *s, int *fd, struct complaint *c);
/* Asks the supervisor to keep the programs, and master's own binary, for a
 * recovery. Returns 0 or -errno. */
int programs_keep(struct succession *s, const int *fd);

/* Returns the descriptor of the program NAME, such as "gate", or -1. */
int programs_find(const int *fd, const char *name);

/* The hook `spawn`. Forks a process that executes the program BINARY, with its
 * CHANNEL to master, and with the values and descriptors of SETUP. Returns its
 * pid or -errno. */
pid_t exec_child(const struct master *m, const char *binary, int channel,
                 const struct setup *setup);

/* A program with one task, such as reader, which ends when the task is done. */
struct helper {
    const char *name;
    const char *argv[5];
    int fd[4]; /* the descriptors that become 3, 4 and so on; 0 ends the list */
};
/* Starts the helper H, and doesn't wait for it. Returns its pid or -errno. */
pid_t exec_start_helper(const struct master *m, const struct helper *h);
/* Waits for the child PID. Call it only during a start, since master does
 * nothing else meanwhile. Returns the wait status of PID; -ETIMEDOUT: PID was
 * killed after WAIT_MS; or another -errno. If PID is an -errno itself, returns
 * PID. */
int exec_wait(pid_t pid, int wait_ms);
/* Starts the helper H, and waits for it as exec_wait() does. If WAIT_MS is 0 or
 * less, returns -ETIMEDOUT and doesn't start H. */
int exec_helper(const struct master *m, const struct helper *h, int wait_ms);
/* Complains that NAME has failed; STATUS is the result of exec_helper().
 * Returns -EINVAL. */
int exec_failed(const char *name, int status, struct complaint *c);

/* Has reader parse the open file FILE, whose path is PATH, and waits up to
 * WAIT_MS. src/server/reader/main.c has the values of MODE. Returns reader's
 * answer, a sealed memfd that only reader could write; -EINVAL: FILE has a
 * mistake, and *c says which; another -errno: reader has failed. */
int reader_ask(const struct master *m, const char *mode, const char *path,
               int file, int wait_ms, struct complaint *c);
/* Starts reader, and doesn't wait for it. *ANSWER gets a memfd for reader's
 * answer, which the caller owns. Returns reader's pid or -errno. */
pid_t reader_start(const struct master *m, const char *mode, const char *path,
                   int file, int *answer);
/* Call it when reader has ended. STATUS is its wait status, or -errno. Returns
 * 0: ANSWER is complete, and sealed now; -EINVAL: the file has a mistake, and
 * *c gets the complaint from ANSWER; another -errno: reader has failed. */
int reader_ended(int status, int answer, struct complaint *c);

/* The channels to the services: from each process to log, and from gate and
 * sessions to keys. Master keeps the service's end of each channel as long as
 * messages can come from it, and passes this end to each log or keys that
 * starts. So a restart of a service loses no message that waits in a channel,
 * and the process at the other end doesn't notice the restart. */

/* Describes the process at the other end of a channel. The service trusts this
 * description, since it comes from master and not from the process itself. */
struct speaker {
    enum process process;
    uint64_t serial; /* 0: the process belongs to no session */
    struct address peer;
    char user[USER_NAME_MAX + 1]; /* the logged-in user; "": nobody */
};

struct service_channel {
    TAILQ_ENTRY(service_channel) next;
    enum process service; /* PROCESS_LOG or PROCESS_KEYS */
    struct speaker who;
    int end;        /* the service's end */
    bool given;     /* master has passed it to the service that runs now */
    bool held;      /* master passes it only when the client's address is known
                     */
    bool ended;     /* its process has ended, but unread messages may wait */
    uint64_t since; /* clock_ms() when master passed it to the service, or when
                     * its process ended: the later of the two */
};

TAILQ_HEAD(service_list, service_channel);

struct services {
    struct service_channel *all;
    size_t size;
    struct service_list free, open;
    size_t ended_count, ended_max;
    uint64_t lost; /* events that no log gets any more, since the last report */
    bool killed;   /* master has killed log at the end */
    struct loop_timer sweep; /* armed while ended_count > 0 */
};

/* Returns how many channels of ended processes master keeps at most. */
size_t services_ended_max(size_t sessions);
/* Makes room for the channels of SESSIONS records. Returns 0 or -ENOMEM. */
int services_init(struct master *m, size_t sessions);
/* Closes all channels. Prints how many events no log took. */
void services_release(struct master *m);

/* Takes over END, the service's end of a channel. If there is no room, closes
 * END and returns NULL. */
struct service_channel *service_open(struct master *m, enum process service,
                                     const struct speaker *who, int end);
/* Call it when the client's address of a proxied session is known: from then on
 * master can pass the channel to the service. If the channel is NULL, this
 * function, service_named() and service_end() do nothing. */
void service_known(struct service_channel *c, const struct address *peer);
/* Call it when USER has logged in on the session of this channel. */
void service_named(struct service_channel *c, const char *user);
/* If USER has so many ended processes with unread events, the user's next login
 * waits. Log delays the events of a user who sends too many, and each such
 * process takes a place of log. Without this limit one user could take all
 * places. */
#define SERVICES_UNREAD 16
/* Counts, up to SERVICES_UNREAD, the ended processes of USER with events that
 * log hasn't read; USER NULL: of all users. */
size_t services_unread(const struct master *m, const char *user);
/* Call it when the process at the other end has ended or must end. Log still
 * gets each message that the process has sent or sends later. But a held
 * channel is closed if no message waits in it: a proxy's health checks send
 * none. Sessions without a login can fill only half of the places for ended
 * processes. */
void service_end(struct master *m, struct service_channel **end);

/* Passes to log and keys the channels that they don't have yet, as many as they
 * take now. Call it at any time. Returns true if log took not all channels. */
bool services_flush(struct master *m);
/* The rows of log and keys in master.c call these two. services_ready(): C
 * takes channels now. services_gone(): C has ended; the next log or keys gets
 * all channels that C had. */
void services_ready(struct child *c);
void services_gone(struct child *c);

/* The processes gate, auth, keys and log. A table in master.c has a row for
 * each of them, with the functions for its set-up, its start and its end. */

/* Master restarts a child at once so many times in a row. */
#define CHILD_RESTARTS 5

enum child_state {
    CHILD_OFF,   /* not running; perhaps waiting for a restart */
    CHILD_SETUP, /* started, being set up */
    CHILD_READY, /* sandboxed and working */
    CHILD_ENDING /* its channel is closed; master hasn't reaped it yet */
};

/* The password verification that an auth worker has under way. */
struct verification {
    uint64_t serial;                /* 0: none, the worker is free */
    struct address peer;            /* of the session */
    struct session_record *session; /* NULL: no session waits for it any more */
};

struct child;

/* Adds to S the values and descriptors that C gets at its start. Returns 0 or
 * -errno. */
typedef int child_set_up(struct child *c, struct setup *s);

struct child_row {
    enum process process; /* its name is also the name of its program */
    child_set_up *set_up;
    /* Master starts this child only when keys is ready, since the child's
     * set-up needs signatures of keys. So keys reports a bad key; the child
     * would only see that signatures fail. */
    bool waits_for_keys;
    bool not_checked; /* --check doesn't start it */
    const struct handler *handlers;
    size_t handler_count;
    void (*on_ready)(struct child *c);
    void (*on_writable)(
        struct child *c); /* the channel is writable again after -EAGAIN */
    void (*on_gone)(struct child *c);
    void (*on_reaped)(struct child *c, int status);
    const char *late; /* why master ends a ready child whose timer runs out */
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
    uint64_t restarts;  /* for debt_take(): limits the restarts */
    uint64_t shortages; /* for debt_take(): limits the log lines about messages
                         * that have lost their descriptors */
    bool released;      /* master doesn't start it again */
    struct service_channel *log, *keys;
    struct verification verification; /* only of auth */
    uint64_t users;    /* auth: the edition of the users that it has; 0: none */
    char failure[256]; /* why it fails: from its message `failed`, or by master
                        */
    struct beat *beat; /* gate, keys: the page where it counts; or NULL */
    struct pulse pulse;
    bool opened; /* gate: it has got `open`, and may begin sessions */
};

/* Starts C. A restart is immediate, but after CHILD_RESTARTS restarts in a row,
 * C restarts only once in each deadline `restart`. */
void child_start(struct child *c);
/* Closes the channel of C and kills C. When C is reaped, it starts again. WHY
 * goes to the log. */
void child_end(struct child *c, const char *why);
/* Call it when C was reaped. */
void child_reaped(struct child *c, int status);
/* Closes the channel of C, so that C ends. Master doesn't start C again. */
void child_release(struct child *c);
/* Makes the loop call on_writable() when the channel of C takes messages again.
 */
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

/* Opens one control listener for each address of `listen`. Uses inherited
 * listeners, and asks the supervisor to keep all listeners for the next
 * generation. H can be NULL. Returns 0; or, with the complaint, -EAGAIN: the
 * error can end without a change of the configuration; or -EINVAL. */
int listeners_open(struct listeners *l, const struct settings *s,
                   struct succession *h, struct complaint *c);
/* Complains about the listeners that systemd has opened and the settings don't
 * name, if there are any. Call it before succession_close_untaken(). */
void listeners_unnamed(const struct settings *s, const struct succession *h,
                       struct complaint *c);
/* For --check: binds a socket to each address of `listen`, and closes it again.
 * If such an address is in use, returns 0, and *in_use gets the address;
 * otherwise the family of *in_use is 0. Other errors are as for
 * listeners_open(). */
int listeners_try(const struct settings *s, struct address *in_use,
                  struct complaint *c);
void listeners_release(struct listeners *l);

/* Adds a text such as "127.0.0.1:21, 127.0.0.1:990 tls, data ports 30000-30999"
 * to INTO. Returns 0 or -ENOBUFS. */
int listeners_text(const struct listeners *l, const struct settings *s,
                   struct buf *into);

/* The files of certificates and keys. A fork of master checks the owner and
 * mode of each file and copies it. Master passes the copies to gate, keys and
 * auth, and never reads a byte of a file itself. */
struct named_file {
    int fd;           /* -1: there is none */
    const char *name; /* from the settings, for complaints */
    bool in_use; /* gate accepts it even if it has expired: an older generation
                  * has used it, or this is the first start */
    int64_t expires; /* seconds since 1970, from gate; 0: not yet known */
};

struct certificate_facts {
    char fingerprint[FINGERPRINT_TEXT_MAX]; /* from gate; "": not yet known */
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
    size_t changed; /* the place of a file that has other bytes now; 0: none */
    struct loop_timer timer; /* until the next look */
};

/* Begins to look whether the files on the disk are those in use. */
void certificates_watch(struct master *m);
/* Opens all certificates and keys of the settings, and the client_ca and
 * client_crl. Refuses a key that other users can read. Returns 0; or, with the
 * complaint, -ETIMEDOUT: a disk hangs; or -EINVAL. */
int certificates_open(struct master *m, struct complaint *c);
void certificates_release(struct certificates *set);

/* Handler of gate's `expiry_is`: gate reports when the first certificate or
 * revocation list in a file expires. */
int certificates_on_expiry_is(void *owner, struct msg_expiry_is *msg);

/* Fills in *S, the set-up of C, as the row of C says. When C has started, the
 * caller closes the descriptors of SETUP_LOG, SETUP_KEYS and SETUP_BEAT.
 * Returns 0 or -errno. */
int setup_child(struct child *c, struct setup *s);
child_set_up setup_log;
child_set_up setup_keys;
child_set_up setup_auth;
child_set_up setup_gate;

#endif
