/* Writes received bytes into a file and adds them to the file's digest. For a
 * large file a thread does it, so that the network doesn't wait. */
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
    char (*block)[WRITER_BLOCK]; /* two of them; NULL: each byte is written at
                                    once */
    size_t held;                 /* bytes in the block that is being filled */
    unsigned filling; /* the number of that block; changes under the lock */
    bool threaded;
    pthread_t thread;
    /* Protected by the lock while the thread runs: */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t handed; /* bytes for the thread to write; 0: it is idle */
    bool over;
    int error; /* errno of a write that failed */
};

/* Begins writing. A thread writes large files from two blocks; the caller's
 * thread writes SMALL ones. To a terminal or a pipe (GATHER is false) each byte
 * goes at once. */
void writer_begin(struct writer *w, int fd, struct digest *d, bool gather,
                  bool small);
/* Returns 0, or -1: a write has failed. After writer_end(), w->error has the
 * reason. */
int writer_add(struct writer *w, const char *bytes, size_t len);
/* Writes everything, and ends the thread. Returns 0 or -1. */
int writer_end(struct writer *w);

#endif
