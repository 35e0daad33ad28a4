/* Runs the real supervisor in a fork of the test. The test plays its masters,
 * in forks: each master runs a function of the test instead of a program. */
#ifndef TESTS_UNIT_SUPERVISOR_PLAYED_H
#define TESTS_UNIT_SUPERVISOR_PLAYED_H

#include <stdnoreturn.h>

#include "sallyport/ipc/channel.h"
#include "supervisor/supervisor.h"
#include "support/cast.h"
#include "support/test.h"

typedef void played_master(void);

/* Belong to a played master: its channel to the supervisor, and the begin of
 * the list of descriptors that it inherits, such as "generation 1\n". If
 * another message comes than is expected, the master ends with 98. */
extern struct channel played_channel;
extern char played_heading[64];
/* The program that the supervisor would execute: its descriptor, or -1 for the
 * installed program; and its arguments. */
extern int played_program;
extern char *const *played_arguments;

/* Reads played_heading, and sends `hello` with VERSION. */
void played_enter(uint64_t version);
bool played_is(const char *number);
bool played_recovers(void);
/* Return the board, and this master's row on it. */
const struct board *played_board(void);
struct board_row *played_row(void);
/* Counts once in this master's row, for master and for gate. */
void played_count(void);
/* Counts until the supervisor has gone, or SIGTERM comes. */
noreturn void played_count_on(void);
/* Enters, and sends `up`. Then generation 1 leads. */
void played_come_up(void);
/* Sends `up` and leads; skips other messages of the supervisor. */
void played_lead(void);
noreturn void played_stay(void);
/* Makes the supervisor stop all, and ends with status 7. */
noreturn void played_stop_all(void);
/* Makes the supervisor stop all, and ends with STATUS, since the test has
 * failed. */
noreturn void played_give_up(int status);

/* SIGTERM ends the master from now on. */
void played_heed_term(void);

/* The supervisor's deadlines in these tests. After a burst, the next recovery
 * comes in a minute. */
extern struct supervisor_deadlines played_deadlines;
/* Runs the supervisor in a fork to its end. Returns its exit status; 96: a
 * process is left; -1: a signal ended the supervisor. */
int played_status(played_master *execute);

/* A supervisor in a fork. */
struct played {
    pid_t supervisor;
    int output; /* standard output of the masters */
    int errors; /* standard error of all processes */
};
void played_begin(struct played *p, played_master *execute);
/* Reads the next byte of one of these descriptors; '\0' at the end. */
char played_byte(int fd);
/* Sends SIGTERM to the supervisor, and waits until no master holds the output
 * any more and the supervisor has ended. */
void played_end(struct played *p);

#endif
