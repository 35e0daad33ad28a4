/* Floods of connections that never log in. A process of its own makes each
 * flood. */
#ifndef TESTS_SYSTEM_FLOOD_H
#define TESTS_SYSTEM_FLOOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The number of connections that a process keeps open; a quarter with
 * sanitizers. */
#define FLOOD_COUNT 500
#define FLOOD_HELLO 2048

/* How far each connection goes before it only waits. */
enum flood_kind {
    FLOOD_SILENT, /* TCP, and nothing more */
    FLOOD_AUTH,   /* AUTH TLS */
    FLOOD_HALF,   /* half a ClientHello */
    FLOOD_LEAVES, /* a whole ClientHello; it closes at the ServerHello, and
                     comes back */
    FLOOD_KINDS
};

struct flood_plan {
    unsigned port;
    enum flood_kind kind;
    const char *from;    /* the first of its addresses */
    unsigned from_count; /* 0: one */
    const char *header;  /* sent first, as a proxy would; NULL: none */
    bool subscriber;     /* instead: each comes from another /64 of one /48 */
    bool stays;          /* none closes when the server does; it comes again */
    unsigned again_ms;   /* a connection that the server has closed comes back
                            after this time */
};

/* The result so far, in memory shared with the test. */
struct flood_score {
    volatile uint64_t begun;  /* TCP connections */
    volatile uint64_t closed; /* by the server */
    volatile uint64_t hellos; /* ServerHellos */
};

struct flood {
    pid_t pid;
    unsigned count;
    struct flood_score *score;
};

/* Starts the flood, and returns when all its connections were made. */
void flood_start(struct flood *f, const struct flood_plan *plan);
void flood_stop(struct flood *f);

#endif
