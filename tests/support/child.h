/* A process below master in a fork of the test, which plays its master. */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "sallyport/ipc/channel.h"
#include "sallyport/process/frame.h"

struct nth;

/* Runs all of ROW but the sandbox, which a build with sanitizers can't enter,
 * in a fork that has F and takes SETUP. Closes the descriptors of SETUP here.
 * After the set-up the fork calls ADJUST, unless that is NULL. C is master's
 * end. The test ends after two minutes. */
pid_t child_raise(struct channel *c, struct frame *f,
                  const struct frame_row *row, struct setup *setup,
                  void (*adjust)(void));
/* Receives `ready`. */
void child_hear_ready(struct channel *c);

/* In a test of support/nth.h: each process that is raised from now on enters
 * NTH first. */
void child_enter(struct nth *nth);
/* The end of a set-up in which a call has failed perhaps. True: the process is
 * ready. False: it has sent a reason and has ended. */
bool child_starts(struct channel *c, pid_t pid);

/* Adds a copy of the descriptor to a set-up. */
void child_give(struct setup *s, size_t place, int fd);
/* Adds the channel on which the test gets the events of the process SELF. */
void child_give_log(struct setup *s, enum process self, struct channel *log);
/* It must end with STATUS. */
void child_reap(pid_t pid, int status);

#endif
