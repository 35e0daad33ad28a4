/* The orders to the load generator, and code that its rows share. Each row
 * prints its figures as one JSON object and returns. */
#ifndef TESTS_BENCH_LOAD_LOAD_H
#define TESTS_BENCH_LOAD_LOAD_H

#include <pthread.h>

#include "ftp.h"

struct plan {
    struct account account;
    unsigned count, streams, seconds, echo_port;
    const char *source; /* a local file: the bytes to send, and the bytes that
                           must come back */
    const char *remote; /* a name on the server, or the beginning of names */
    const char *command;
};

/* The bytes of the file plan.source. */
struct source {
    const unsigned char *bytes;
    size_t len;
};
struct source load_source(const struct plan *p);

/* Prints WORD and waits for a line on standard input. Meanwhile the caller of
 * this program measures what the server has used. */
void load_step(const char *word);
/* Returns the value that PERCENT percent of the sorted VALUES don't exceed. */
double load_percentile(const double *values, size_t n, double percent);
void load_sort(double *values, size_t n);

/* One worker of a row with streams. */
struct worker {
    const struct plan *plan;
    const struct source *source;
    unsigned index;
    struct control control;
    pthread_t thread;
    pthread_barrier_t *start;
    double *times; /* of each login, in ms */
};

/* Let each stream download or upload a file. */
void row_down(const struct plan *p);
void row_up(const struct plan *p);
/* Transfer many files of 4 KiB, each a part of the source, in one session. */
void row_small_down(const struct plan *p);
void row_small_up(const struct plan *p);
void row_login(const struct plan *p);
/* Lists, by LIST or MLSD, a directory with names from file-000000.dat on. */
void row_list(const struct plan *p);
/* Opens idle sessions; the caller of this program measures their memory. */
void row_idle(const struct plan *p);
/* Measures NOOP in idle sessions while streams download. */
void row_latency(const struct plan *p);

/* Receives a whole file, LOAD_BLOCK bytes at most at a time, and compares it
 * with BYTES. Adds to *RECEIVED what has come, unless RECEIVED is NULL. */
#define LOAD_BLOCK 65536u
void load_retrieve(struct control *c, const char *name,
                   const unsigned char *bytes, size_t len,
                   _Atomic unsigned long long *received);

#endif
