/* Lets a test stop a process files before each change of a name, so that it can
 * play every order of two processes. */
#ifndef TESTS_FILES_STEPS_H
#define TESTS_FILES_STEPS_H

#include "peer.h"

enum stepped {
    STEPPED_HELD,    /* it is about to change a name, or to lock a file */
    STEPPED_BLOCKED, /* another process holds the lock of the directory, of
                        the partial that SIZE asks about, or, on another
                        machine, of the file */
    STEPPED_ANSWERED /* its answer can be received */
};

struct steps;

/* The process that peer_run() forks next has these steps; it runs freely until
 * steps_hold(). */
struct steps *steps_for_next(void);
void steps_end(struct steps *s);

/* Runs the process to its next stop. */
enum stepped steps_next(struct steps *s, struct peer *p);
/* From now on it runs freely. */
void steps_free(struct steps *s);
/* From now on it stops. */
void steps_hold(struct steps *s);
/* Does the same, and it also stops before the next exclusive lock of a file. */
void steps_hold_at_lock(struct steps *s);

/* Calls of the process that may stop it; renames.c makes them. */
void steps_on_change(void);
int steps_flock(int fd, int operation);

#endif
