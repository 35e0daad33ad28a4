/* Floods of connections that never log in, each made by a process of its own.
 */
#ifndef TESTS_SYSTEM_FLOOD_H
#define TESTS_SYSTEM_FLOOD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Connections of one process, all the time; a quarter with sanitizers. */
#define FLOOD_COUNT 500
#define FLOOD_HELLO 2048

/* How far each goes before it waits for nothing. */
enum flood_kind {
    FLOOD_SILENT, /* TCP, and no more */
    FLOOD_AUTH,   /* AUTH TLS */
    FLOOD_HALF,   /* half a ClientHello */
    FLOOD_LEAVES, /* a whole one; at the ServerHello it goes, and comes back */
    FLOOD_KINDS
};

struct flood_plan {
    unsigned port;
    enum flood_kind kind;
    const char *from;    /* the first of its addresses */
    unsigned from_count; /* 0: one */
    const char *header;  /* sent first, as by a proxy; NULL: none */
    unsigned again_ms;   /* who was closed out comes back so much later */
};

/* What it has come to, in memory of both. */
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

/* Returns when as many have connected as there are to be. */
void flood_start(struct flood *f, const struct flood_plan *plan);
void flood_stop(struct flood *f);

#endif
