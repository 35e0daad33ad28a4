/* Runs a gate in a process of its own. The test is its master, and its sessions
 * do what the test orders. */
#ifndef TESTS_GATE_BENCH_H
#define TESTS_GATE_BENCH_H

#include <sys/types.h>

#include "gate/gate.h"
#include "sallyport/event/event.h"
#include "support/cast.h"
#include "support/test.h"

#define BENCH_MS     10000
#define BENCH_SERVER "127.0.0.1"
#define BENCH_NARROW 4096 /* room for about ten messages */

struct bench_plan {
    const char *settings; /* the configuration file's text */
    unsigned ports;       /* the number of ports of `ports`; 0: auto */
    bool proxy;           /* a proxy makes the data connections */
    bool wildcard;        /* the listener is on 0.0.0.0, not 127.0.0.1 */
    bool sandbox;         /* gate enters its sandbox */
    bool first;           /* the test's listener is the first one of `listen` */
    bool both;            /* beside it there is a listener without a proxy */
    bool shut;            /* master doesn't send `open` */
    bool keeps;           /* the test keeps its listener and board */
    struct bench *before; /* the bench of the generation before: this gate gets
                           * its ports, and the listener and board that it
                           * kept */
    int memory;           /* the memory that gates share; 0: its own */
    unsigned files;       /* the descriptors that gate has left; 0: all */
    unsigned places;      /* places for sessions, if more than max_sessions */
    int room; /* bytes of gate's socket to master; 0: the kernel's default */
};

struct bench {
    pid_t gate;
    struct channel master; /* the test's end */
    struct channel log;    /* the test's end */
    struct address control;
    struct address direct; /* the second listener, if plan.both */
    unsigned port;         /* the first one of `ports` */
    int control_fd;        /* the listener, if plan.keeps */
    struct bans *bans;     /* the table of bans, which master writes */
    struct board *board;   /* the board, which master writes */
    int board_fd;          /* the board's file, if plan.keeps */
    uint64_t generation;   /* 0 for the first gate, then 1 and so on */
};

/* Describes a fake session: the facts in its MSG_session, and ROPE, the test's
 * end of its pair. */
struct fake {
    uint64_t serial;
    pid_t pid;
    struct address peer, local;
    uint64_t listener;
    int rope, log;
};

void bench_start(struct bench *b, const struct bench_plan *plan);
/* Makes a file like master's for the memory that gates share. The caller closes
 * it. */
int bench_memory(void);
/* Makes a file like master's for the table of bans. *READING is a descriptor
 * for gate, which can only read; the caller closes it. Returns the table, which
 * the test can write. */
struct bans *bench_ban_memory(int *reading);
/* Closes master's channel. Gate must end with STATUS in time. */
void bench_stop(struct bench *b, int status);
/* Defines a test with the bench B, which the other arguments plan:
 * GateTest(lend, none, .settings = FREE, .ports = 1). Stops the gate
 * afterwards. */
#define GateTest(suite, name, ...)                                             \
    static void suite##_##name(struct bench *b);                               \
    Test(suite, name, .timeout = 60)                                           \
    {                                                                          \
        const struct bench_plan plan = { __VA_ARGS__ };                        \
        struct bench b;                                                        \
                                                                               \
        bench_start(&b, &plan);                                                \
        suite##_##name(&b);                                                    \
        bench_stop(&b, 0);                                                     \
    }                                                                          \
    static void suite##_##name(struct bench *b)
/* Waits for the end of gate, which must exit with STATUS in time. */
void bench_ends(struct bench *b, int status);

/* Connect from FROM, "127.0.0.x", to PORT of 127.0.0.1 or of HOST. Return the
 * socket. */
int client_connect(const char *from, uint16_t port);
int client_connect_to(const char *from, const char *host, uint16_t port);
/* Reads until the end of a line, or until the server closes. Returns OUT, which
 * is NUL-terminated. A failure names the caller's line. */
#define client_line(fd, out, size)                                             \
    client_line_at(__FILE__, __LINE__, fd, out, size)
const char *client_line_at(const char *file, int line, int fd, char *out,
                           size_t size);
/* Waits until the server has closed the connection, and returns true. */
#define client_closed(fd) client_closed_at(__FILE__, __LINE__, fd)
bool client_closed_at(const char *file, int line, int fd);

/* Receives the next message, which must be the MSG_session_peer of this
 * session. Returns the client's address. */
struct address bench_peer(struct bench *b, const struct fake *f);
/* Receives the next message, which must be MSG_session. */
struct fake bench_session(struct bench *b);
/* Connects from FROM, receives the session, and reads its greeting. */
struct fake bench_enter(struct bench *b, const char *from, int *client);
/* Does as bench_enter(), and logs the user in. */
struct fake bench_user(struct bench *b, const char *from, int *client);
/* Calls bench_start(), and bench_user() from 127.0.0.1. */
struct fake bench_open(struct bench *b, const struct bench_plan *plan,
                       int *client);
/* Waits for the end of the session, and as master sends `reaped`, with
 * FRUITLESS. Returns the wait status when gate has freed the session's
 * place. */
int bench_reaps(struct bench *b, const struct fake *f, bool fruitless);
/* Calls bench_reaps(), not fruitless. */
int bench_gone(struct bench *b, const struct fake *f);
/* Receives the next message, which must ask master to kill this session for
 * WHY. Then kills and reaps the session. */
void bench_kills(struct bench *b, const struct fake *f, enum ending why);
/* Reports a login to gate, as master. */
void bench_log_in(struct bench *b, uint64_t serial);
/* Calls bench_log_in(), and waits until gate has handled the message. */
void bench_logged_in(struct bench *b, const struct fake *f);
/* Returns when gate has handled all earlier messages of master. */
void bench_heard(struct bench *b);
/* Receives the next event. Returns OUT, the event as a line of the log. */
const char *bench_event(struct bench *b, char *out, size_t size);
/* Receives the next event, which must contain WORDS. */
void bench_reports(struct bench *b, const char *words);
/* Waits until the process PID has done its work and is asleep. */
void bench_sleeps(pid_t pid);
/* Returns true if no event is there now. */
bool bench_silent(struct bench *b);
/* Returns true if no message to master is there now. */
bool bench_quiet(struct bench *b);

/* Sends an order to a fake session: "port" (asks gate for a listener, if the
 * session has none; from then on the session accepts connections there), "drop"
 * (closes this listener),
 * "enter CLIENT SERVER" (addresses with ports), "garbage", "wrong" (sends gate
 * a message that is for master), "flood" (asks for ports; the
 * session prints how many messages it sent), "deaf", "exit N", "signal N",
 * "part" (closes its channel to gate, and doesn't end), "look" (prints which
 * signals the session ignores and blocks), "keys" (prints the names of all
 * ticket keys that it gets from then on). */
void fake_do(const struct fake *f, const char *what);
/* Receives the next line that the session prints. Returns OUT. A failure names
 * the line of the caller. */
#define fake_says(f, out, size) fake_says_at(__FILE__, __LINE__, f, out, size)
const char *fake_says_at(const char *file, int line, const struct fake *f,
                         char *out, size_t size);
/* Sends "port". Returns the number of the session's port; 0 for PORT_NONE. */
uint16_t fake_port(const struct fake *f);

#endif
