/* Runs a process that master starts, in a fork of the test. The test plays
 * master. */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "sallyport/ipc/channel.h"
#include "sallyport/process/frame.h"

struct nth;

/* Starts the process of ROW in a fork, with the frame F and SETUP, but without
 * its sandbox, which a build with sanitizers can't enter. After the set-up the
 * fork calls ADJUST, unless it is NULL. Closes the descriptors of SETUP in the
 * test. C becomes master's end of the channel. An alarm ends the test after two
 * minutes. Returns the fork's pid. */
pid_t child_raise(struct channel *c, struct frame *f,
                  const struct frame_row *row, struct setup *setup,
                  void (*adjust)(void));
/* Receives the message `ready`. */
void child_hear_ready(struct channel *c);

/* For a test with support/nth.h: makes each process that is started from now on
 * enter NTH first. */
void child_enter(struct nth *nth);
/* Waits for the end of a set-up in which a call can have failed. Returns true
 * if the process is ready, false if it has sent a reason and ended. */
bool child_starts(struct channel *c, pid_t pid);

/* Adds a copy of the descriptor to a set-up. */
void child_give(struct setup *s, size_t place, int fd);
/* Adds the channel on which the test gets the events of the process SELF. */
void child_give_log(struct setup *s, enum process self, struct channel *log);
/* Waits for the process PID, which must end with the exit status STATUS. */
void child_reap(pid_t pid, int status);

#endif
