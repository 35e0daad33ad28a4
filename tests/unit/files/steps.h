/* Lets a test stop a process "files" before each change of a name, to play
 * every order of the steps of two. */
#ifndef TESTS_FILES_STEPS_H
#define TESTS_FILES_STEPS_H

#include "peer.h"

enum stepped {
    STEPPED_HELD, /* the process is about to change a name, or to lock a file */
    STEPPED_BLOCKED, /* the process waits for a lock of another process: of the
                        directory, of the partial that SIZE asks about, or, with
                        rename_faults.nodes, of any file */
    STEPPED_ANSWERED /* the answer to the request can be received */
};

struct steps;

/* Makes the steps of the process that peer_run() forks next. The process runs
 * freely until steps_hold(). The caller ends the steps with steps_end(). */
struct steps *steps_for_next(void);
void steps_end(struct steps *s);

/* Runs the process to its next stop. */
enum stepped steps_next(struct steps *s, struct peer *p);
/* Lets the process run freely from now on. */
void steps_free(struct steps *s);
/* Makes the process stop from now on. */
void steps_hold(struct steps *s);
/* Does the same as steps_hold(), and the process also stops before its next
 * exclusive lock of a file. */
void steps_hold_at_lock(struct steps *s);
/* Does the same as steps_hold(), and the process also stops after its next look
 * at a name that is missing. */
void steps_hold_at_miss(struct steps *s);

/* The next three functions can stop the process; renames.c and syncs.c call
 * them. */
void steps_on_change(void);
void steps_on_miss(void);
int steps_flock(int fd, int operation);

#endif
