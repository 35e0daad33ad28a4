/* Writes received bytes into a file and adds them to the file's digest. For a
 * large file a thread does that, so that the network doesn't wait. */
#ifndef CLIENT_WRITER_H
#define CLIENT_WRITER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "digest.h"

#define WRITER_BLOCK (256 * 1024)

struct writer {
    int fd;
    struct digest *digest;
    char (*block)[WRITER_BLOCK]; /* two of them; NULL: nothing is gathered */
    size_t held;                 /* bytes in the block that is being filled */
    unsigned filling;            /* its number; changes under the lock */
    bool threaded;
    pthread_t thread;
    /* Under the lock, while the thread runs: */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t handed; /* bytes that the thread has to write; 0: it rests */
    bool over;
    int error; /* errno of a write that failed */
};

/* Large files in two blocks by a thread, SMALL ones by the caller's thread. To
 * a terminal or a pipe (GATHER is false) each byte goes at once. */
void writer_begin(struct writer *w, int fd, struct digest *d, bool gather,
                  bool small);
/* 0 or -1: a write has failed; error says why after writer_end(). */
int writer_add(struct writer *w, const char *bytes, size_t len);
/* Everything is written, and the thread has ended: 0 or -1. */
int writer_end(struct writer *w);

#endif
