/* The state of the process gate, and the functions that one file of gate calls
 * in another. Each section is about one file. */
#ifndef GATE_GATE_H
#define GATE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "limits.h"
#include "memory.h"
#include "sallyport/base/address.h"
#include "sallyport/base/loop.h"
#include "sallyport/base/random.h"
#include "sallyport/domain/bans.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/ipc/sign.h"
#include "sallyport/process/frame.h"
#include "sallyport/settings/settings.h"
#include "sallyport/tls/context.h"
#include "sallyport/tls/ticket.h"

struct gate_child;
struct gate;

/* acceptor.c: control listeners, when they accept, and socket options */

#define ACCEPT_PAUSE_MS 100

struct gate_listener {
    struct gate *gate;
    uint64_t index; /* the listener's number, set by master */
    bool implicit;  /* TLS from the first byte on */
    bool proxied;   /* each connection begins with a PROXY header */
    int fd;         /* owned; -1 when closed */
    struct address bound;
    struct loop_watch watch;
    struct loop_timer pause;
    bool started; /* this gate accepts */
    bool held;    /* while true, new connections wait in the kernel */
};

/* Begins to accept if STARTED is true, otherwise stops. After a stop, new
 * connections wait in the kernel's backlog for the next gate. */
void acceptor_set(struct gate_listener *l, bool started);
/* Accepts one connection. Returns its socket, non-blocking, or -errno. */
int acceptor_accept(struct gate_listener *l, struct address *peer);
/* Call it when `held` has changed. OWNER: a struct gate_listener. A timer calls
 * it, too. */
void acceptor_update(void *owner);
/* Does nothing if the listener is closed. */
void acceptor_close(struct gate_listener *l);

/* Limit of the number of sessions that are reading their PROXY header. */
#define ACCEPT_UNKNOWN 32
/* Call it when the number of unknown clients has changed, and after messages to
 * master: decides whether new connections wait in the listeners' backlog.
 * Connections wait while master reads too slowly. At a listener for proxies,
 * they also wait while too many clients are unknown. */
void acceptor_hold_back(struct gate *g);
/* Call it after `stop_accepting`: sends `shut` if nobody waits in the queue. */
void gate_say_shut(struct gate *g);
/* Watches master's channel for room if master is slow, or if `shut` couldn't be
 * sent yet. */
void gate_watch_master(struct gate *g);

/* Sets an option to 1. Ignores an error: options make connections better, not
 * safer. */
void socket_set(int fd, int level, int option);

/* peer_session.c: the sessions that gate serves. Gate has forked them, or
 * adopted them from a gate that has ended. Gate only counts the sessions of
 * older generations. */

/* Gate reads this many messages of a session at once, and then this many in a
 * second. No client needs so many ports. */
#define CHILD_MESSAGES 1600
#define CHILD_PAUSE_MS 100
/* ms from the end of a session's channel to its kill. */
#define CHILD_GRACE_MS 2000
/* ms until gate asks master again to kill a session. CHILD_RETRY_MS: master's
 * channel couldn't take the request. CHILD_AGAIN_MS: master hasn't reported the
 * session's end, perhaps since master had no descriptor for the session. */
#define CHILD_RETRY_MS 100
#define CHILD_AGAIN_MS 5000
/* ms from login_timeout to the time at which gate asks master to kill a session
 * that should have ended itself. */
#define CHILD_LATE_MS 5000

struct gate_child {
    LIST_ENTRY(gate_child) by_serial;
    STAILQ_ENTRY(gate_child) unused;
    TAILQ_ENTRY(gate_child) waiting;
    struct gate *gate;
    uint64_t serial;
    bool elder; /* the session is of an older generation: gate counts it, and
                   can have it killed */
    enum ending why; /* why gate asked master to kill the session; 0: gate
                        hasn't asked */
    bool logged_in;
    uint64_t waits;        /* begin of the wait for a login; 0: doesn't wait */
    bool proxied;          /* accepted by a listener for proxies */
    bool known;            /* gate knows the client, and counts it */
    struct address peer;   /* the client; until it is known, the proxy */
    struct address local;  /* the address to which PEER connected */
    struct address server; /* the address to which the client connected */
    struct prefixes prefixes; /* of PEER, while it waits for a login */
    struct channel channel;
    struct loop_watch watch;
    struct loop_timer timer; /* deadline of the login; later the deadline of the
                              * session's end */
    uint64_t lends; /* for debt_take(): limits the listeners that this session
                       gets */
    uint64_t messages;       /* for debt_take(): limits the rate of messages */
    struct loop_timer pause; /* while it is armed, gate reads no message */
};
LIST_HEAD(child_list, gate_child);
STAILQ_HEAD(child_queue, gate_child);
TAILQ_HEAD(child_line, gate_child);

struct gate_children {
    const struct handler *handlers; /* of the sessions' messages */
    size_t handler_count;
    struct gate_child *slot;
    size_t size, buckets;
    struct child_list *serial;
    struct child_queue unused;
    struct child_line waiting; /* sessions without a login, the oldest first */
};

int children_init(struct gate *g); /* 0 or -ENOMEM */
void children_release(struct gate *g);
/* Adds a session with a new serial, and counts it in the limits. Returns NULL
 * if no place is free. */
struct gate_child *children_add(struct gate *g, const struct address *peer,
                                const struct address *local, bool proxied);
struct gate_child *children_find(struct gate *g, uint64_t serial);
/* Handlers of master's messages. OWNER: the struct gate. `elder`: from now on a
 * session of an older generation counts for max_sessions and for its client's
 * address, and until its login for `startups`. */
int children_on_elder(void *owner, struct msg_elder *m);
/* Serves a session of a gate that has ended. */
int children_on_adopt(void *owner, struct msg_adopt *m);
int children_on_logged_in(void *owner, struct msg_logged_in *m);
/* Frees the place of a session that has ended. */
int children_on_reaped(void *owner, struct msg_reaped *m);
/* Returns the session without a login that makes room for N, or NULL. */
struct gate_child *children_room(struct gate *g, const struct prefixes *n,
                                 uint64_t now);
/* Frees the place of a session. Call it only for a session that master was
 * never told of: for all others, children_on_reaped() calls it. */
void child_discard(struct gate_child *c);
/* Call it when the session's process runs, and master knows of it. Takes FD,
 * gate's end of the channel to the session. */
void child_born(struct gate_child *c, int fd);
/* Begins the session's wait for a login. Its client counts in struct limits. */
void child_begin_wait(struct gate_child *c);
/* Asks master to kill the session, and reads no more of its messages. WHY is
 * for the log. */
void child_kill(struct gate_child *c, enum ending why);
/* Calls child_kill() after a wrong message, and reports WHAT in an event. */
void child_wrong(struct gate_child *c, const char *what);
/* Call it with R, the result of SEND() of an answer. If R is -EAGAIN, the
 * session doesn't read its answers, and gate asks master to kill it. */
void child_answered(struct gate_child *c, int r);
/* Call it when master has reported the login. Ends the deadline of the login,
 * and sends the ticket keys. From now on the session may ask for ports. */
void child_logged_in(struct gate_child *c);

/* Sends the keys to a session, if its user has logged in. */
void tickets_send(struct gate_child *c);

/* entry.c: a control connection, from its accept to its session */

struct accepted {
    int control;
    struct address peer, local;
    const struct gate_listener *at;
};

/* Call it before the sandbox closes. L must not move afterwards. Connections
 * inherit the listener's options, which master has set. Returns 0 or -errno. */
int entry_init(struct gate_listener *l);
/* Forks a session for the connection. Returns LIMIT_NONE, or the reason why
 * there is no session. The socket stays the caller's. */
enum limit entry_begin(struct gate *g, const struct accepted *e);
/* Reports the refusal to the client and to log. */
void entry_refuse(struct gate *g, const struct accepted *e, enum limit limit);

/* Handler of a session's message: a client has connected to the proxy. If gate
 * admits the client, perhaps after a wait in the queue, gate tells master, and
 * master answers the session. Otherwise gate answers `not_admitted`. */
int entry_on_admit(void *owner, struct msg_admit *m);
/* Call it when the client of C is known: from then on C counts for the address
 * of CLIENT. */
void admit_note_client(struct gate_child *c, const struct address *client,
                       const struct address *server);
/* admit_begin() admits the client of C; admit_refuse() refuses it. Both return
 * what a handler of C's messages returns. */
int admit_begin(struct gate_child *c, uint32_t request);
int admit_refuse(struct gate_child *c, uint32_t request,
                 const struct address *client, enum limit limit);

/* queue.c: connections that wait for their session, since `startups` sessions
 * haven't logged in, since max_sessions is reached, or since master reads too
 * slowly */

/* ms after which a connection may get the place of another network's session;
 * and again, if nobody made room. */
#define QUEUE_ROOM_MS 500
/* One look at the queue lets in at most this many connections. */
#define QUEUE_ROUND 16
/* ms between two looks at the queue. */
#define QUEUE_LOOK_MS 100

struct queued {
    TAILQ_ENTRY(queued) next;
    struct gate *gate;
    struct accepted entry;    /* owns its socket; -1: CHILD owns the socket */
    struct gate_child *child; /* forked already, to read a PROXY header */
    uint32_t request;         /* number of CHILD's request `admit` */
    struct prefixes prefixes;
    uint64_t since;
    uint64_t asks; /* from when on a session may end to make room for it */
    bool paid; /* a session has ended for it: it gets a place before the others,
                * and has its place of `startups` already */
    struct loop_watch watch; /* watches for the client's end */
};
TAILQ_HEAD(queued_list, queued);

struct queue {
    struct queued *slot;
    struct queued_list unused, waiting; /* waiting: the oldest first */
    size_t count;                       /* number of connections that wait */
    size_t outside;                     /* those that aren't sessions yet */
    size_t unknown; /* of these, unknown clients that haven't paid */
    struct loop_timer timer;
};

int queue_init(struct gate *g); /* 0 or -ENOMEM */
void queue_release(struct gate *g);
/* Closes all connections that wait. */
void queue_close(struct gate *g);
/* Puts E into the queue. Returns LIMIT_NONE: E's socket belongs to the queue;
 * LIMIT_SESSIONS, LIMIT_STARTUPS: the server or the queue is full, and nobody
 * makes room for E. */
enum limit queue_add(struct gate *g, struct accepted *e);
/* Does the same for C when its client's address becomes known. Gate answers
 * REQUEST at the end of the wait. */
enum limit queue_add_child(struct gate_child *c, uint32_t request);
/* Removes C, which has ended. Does nothing if C doesn't wait. */
void queue_leave(struct gate_child *c);
/* Call it when a place can have become free: gate looks at the queue in the
 * next turn of the loop. */
void queue_wake(struct gate *g);

/* lend.c: listeners for the data connections of sessions */

/* Gate tries LEND_RANDOM random ports for a listener, and then LEND_TRIES ports
 * in a row, or all ports of the setting `ports` if they are fewer. */
#define LEND_RANDOM 16
#define LEND_TRIES  4096
/* A session gets at most one listener in this time. */
#define LEND_PAUSE_MS 1000

/* Handler of a message of a session: answers `port_is` or `port_none`. */
int lend_on_port(void *owner, struct msg_port *m);

/* setup.c: takes what master gives before gate works. Each function returns 0,
 * or a negative number with the complaint in the frame. */

/* Takes the settings, the listeners and the shared memory. */
int setup_take_all(struct gate *g);
/* Makes the TLS context. */
int setup_context(struct gate *g);
/* Makes the sandbox's plan. */
int setup_plan(struct gate *g);

/* report.c: the events of gate. The number of events that a stranger can cause
 * is bounded. */

#define THROTTLE_SLOTS 64

/* Permits at most one event per network prefix and second, and in all at most
 * THROTTLE_SLOTS events in a second. So a flood of connections doesn't flood
 * the log. */
struct throttle {
    uint8_t key[SIPHASH_KEY];
    uint64_t slot[THROTTLE_SLOTS]; /* for debt_take(), in ms */
    uint64_t silenced; /* events suppressed since the last sent one */
};

void throttle_init(struct throttle *t);
/* Returns true if gate may send an event about this prefix at NOW, in ms, and
 * sets *silenced to the number of events suppressed since the last sent one. */
bool throttle_pass(struct throttle *t, const struct address *prefix,
                   uint64_t now, uint64_t *silenced);
/* Returns the number of suppressed events since the last sent one, and sets it
 * to 0. */
uint64_t throttle_tally(struct throttle *t);

/* Reports a connection that a limit refused. */
void report_refused(struct gate *g, const struct address *peer,
                    const struct address *local, const char *reason);
/* Sends the count of suppressed refusals, if there is one. */
void report_on_tally(void *owner);
/* Reports a fact about the whole service, such as a certificate. */
void report_service(struct gate *g, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* tls.c: the keys that seal the tickets of TLS 1.3, and the certificates that
 * expire */

struct tickets {
    uint64_t turn; /* tickets_turn() of the keys that sessions have */
    struct loop_timer timer;
};

/* Call it once. From now on this gate looks every TICKETS_LOOK_MS for new keys
 * in the memory that gates share (memory.h). While this gate accepts, it also
 * makes each new key when it is due. */
#define TICKETS_LOOK_MS 2000
void tickets_begin(struct gate *g);

/* Logs now, and then each day, which certificates and revocation lists expire
 * soon. GATE: a struct gate. A timer calls the function, too. */
void expiry_watch(void *gate);

/* gate.c: the steps of gate's life, and the tables of messages */

struct gate {
    struct frame frame; /* the first member */
    struct settings settings;
    /* While gate works, it writes to the members from here on. They begin on
     * their own page, since a session gets a copy of each page that gate writes
     * to after the fork. `keys` is for the set-up, in which the process keys
     * proves that it has the keys. */
    _Alignas(4096) struct sign_channel keys;
    struct tls_context *tls;
    struct loop_timer expiry; /* a look at the certificates, daily */
    struct throttle refusals;
    struct loop_timer tally; /* for the count of suppressed refusals */
    /* Places for sessions: max_sessions, or an earlier, higher max_sessions,
     * since sessions of that time can still live. */
    size_t places;
    struct limits limits;
    struct memory *memory;
    const struct bans *bans;     /* belongs to master; read-only */
    struct board *board;         /* belongs to the supervisor; read-only */
    const struct board_row *row; /* this generation's row of the board */
    bool accepts;                /* since master's message `open` */
    bool shuts; /* from master's `stop_accepting` until gate has sent `shut` */
    bool master_slow; /* acceptor_hold_back() sets it: master reads too
                       * slowly, so nobody enters */
    struct gate_children children;
    struct queue queue;
    struct tickets tickets;
    struct gate_listener listener[SETTINGS_LISTEN_MAX];
    size_t listeners;
    int spare_fd; /* spare descriptor, or -1. Gate closes it for a moment when
                     no descriptor is left. It is a copy of master's channel,
                     since gate's sandbox permits copies, but no call that opens
                     a file */
    void *stack;  /* where the frames of the loop begin; NULL: not yet known */
    struct ban_index ban_index; /* last, since it is large: the members that
                                 * often change lie together */
};

extern const struct frame_row gate_row;

/* Call it after the set-up, before the sandbox closes: does everything that
 * needs memory or a new kind of descriptor. Returns 0, or a negative number
 * with the complaint in the frame. */
int gate_begin(struct gate *g);

#endif
