/* A gate in a process of its own. The test is its master, and its sessions do
 * what the test says. */
#ifndef TESTS_GATE_BENCH_H
#define TESTS_GATE_BENCH_H

#include <sys/types.h>

#include "gate/gate.h"
#include "sallyport/event/event.h"
#include "support/test.h"

#define BENCH_MS     10000
#define BENCH_SERVER "127.0.0.1"
#define BENCH_NARROW 4096 /* room for about ten messages */

struct bench_plan {
    const char *settings; /* the configuration file's text */
    unsigned ports;       /* the number of ports of `ports`; 0: auto */
    bool proxy;           /* data connections come by a proxy */
    bool wildcard;        /* the listener is on 0.0.0.0, not 127.0.0.1 */
    bool sandbox;         /* enters the sandbox */
    bool first;           /* the test's listener is the first one of `listen` */
    bool shut;            /* master doesn't send `open` */
    bool keeps;           /* the test keeps its listener and board */
    struct bench *before; /* of the generation before; those are from it */
    int memory;           /* what gates share; 0: of its own */
    unsigned files;       /* the number of descriptors left; 0: all */
    unsigned places;      /* for sessions of older gates; 0: max_sessions */
    int room; /* bytes of gate's channel to master; 0: as the kernel has it */
};

struct bench {
    pid_t gate;
    struct channel master; /* the test's end */
    struct channel log;    /* the same */
    struct address control;
    unsigned port;       /* the first one of `ports` */
    int control_fd;      /* the listener that is kept */
    struct bans *bans;   /* as master has them */
    struct board *board; /* as masters have it */
    int board_fd;        /* if it is kept */
    uint64_t generation; /* 0, and one more for each gate before */
};

/* A fake session: the facts in its MSG_session, and the rope to it. */
struct fake {
    uint64_t serial;
    pid_t pid;
    struct address peer, local;
    uint64_t listener;
    int rope, log;
};

void bench_start(struct bench *b, const struct bench_plan *plan);
/* A file as master makes it for what gates share. The caller closes it. */
int bench_memory(void);
/* The same for the table of bans: gate gets *READING, which the caller closes.
 * Returns the table, which can be written. */
struct bans *bench_ban_memory(int *reading);
/* Closes master's channel; gate must end with STATUS in time. */
void bench_stop(struct bench *b, int status);
/* A test with the bench B, which the plan makes: GateTest(lend, none, .settings
 * = FREE, .ports = 1). It is stopped afterwards. */
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
/* Gate must end by itself, with STATUS. */
void bench_ends(struct bench *b, int status);

/* Connects from "127.0.0.x" to PORT of 127.0.0.1, or of HOST. */
int client_connect(const char *from, uint16_t port);
int client_connect_to(const char *from, const char *host, uint16_t port);
/* Reads until a line came or the server closed; OUT is NUL-terminated. */
const char *client_line(int fd, char *out, size_t size);
/* Returns true once the server has closed the connection. */
bool client_closed(int fd);

/* The next message to master must be KIND; the caller owns its descriptors. */
void bench_hear(struct bench *b, enum message_kind kind, struct message *m);
/* The next message must be SESSION_PEER of this session. Returns the client. */
struct address bench_peer(struct bench *b, const struct fake *f);
/* Receives the next MSG_session. */
struct fake bench_session(struct bench *b);
/* Connects from FROM, takes the session, reads the greeting. */
struct fake bench_enter(struct bench *b, const char *from, int *client);
/* The same, and its user has logged in. */
struct fake bench_user(struct bench *b, const char *from, int *client);
/* Calls bench_start(), and bench_user() from 127.0.0.1. */
struct fake bench_open(struct bench *b, const struct bench_plan *plan,
                       int *client);
/* The test, as master, reaps the session, and gate has freed its place.
 * Returns its wait status. FRUITLESS: as in `reaped`. */
int bench_reaps(struct bench *b, const struct fake *f, bool fruitless);
/* The same, not fruitless. */
int bench_gone(struct bench *b, const struct fake *f);
/* The next message must ask for the death of this session. */
void bench_kills(struct bench *b, const struct fake *f, enum ending why);
/* As master, reports a login, without limits. */
void bench_log_in(struct bench *b, uint64_t serial);
/* The same, and gate knows it. */
void bench_logged_in(struct bench *b, const struct fake *f);
/* Sends a message as master; works as SEND(). */
#define BENCH_SAY(b, name, ...)                                                \
    cr_assert_eq(SEND(&(b)->master, name, 0 __VA_OPT__(, ) __VA_ARGS__), 0)
/* Returns when gate has handled all earlier messages of master. */
void bench_heard(struct bench *b);
/* Receives the next event, as its line. */
const char *bench_event(struct bench *b, char *out, size_t size);
/* The next event must contain WORDS. */
void bench_reports(struct bench *b, const char *words);
/* Returns when a process has done what there was to do, and sleeps. */
void bench_sleeps(pid_t pid);
/* Is there no event now? */
bool bench_silent(struct bench *b);
/* Is there no message to master now? */
bool bench_quiet(struct bench *b);

/* Orders of the test to a fake session: "port" (asks gate for a listener, if it
 * has none; it takes connections there from now on), "drop" (closes that one),
 * "active ADDRESS", "close" (active mode), "enter CLIENT SERVER" (with ports),
 * "garbage", "wrong" (a message that is for master), "flood WHAT" (port or
 * close; prints how many it sent), "deaf", "exit N", "signal N", "part" (closes
 * gate's channel and stays), "look" (prints what a session has), "keys" (prints
 * the names of new ticket keys from now on). */
void fake_do(const struct fake *f, const char *what);
/* Returns its next line. */
const char *fake_says(const struct fake *f, char *out, size_t size);
/* Sends "port". Returns the number of the session's port; 0 for PORT_NONE. */
uint16_t fake_port(const struct fake *f);

#endif
