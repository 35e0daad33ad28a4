/* The real supervisor in a fork of the test, and masters that the test plays in
 * forks: each executes a function of the test. */
#ifndef TESTS_UNIT_SUPERVISOR_PLAYED_H
#define TESTS_UNIT_SUPERVISOR_PLAYED_H

#include <stdnoreturn.h>

#include "sallyport/ipc/channel.h"
#include "supervisor/supervisor.h"
#include "support/test.h"

typedef void played_master(void);

/* In a played master: the channel to the supervisor, and the first line that it
 * inherits, such as "generation 1". */
extern struct channel played_channel;
extern char played_heading[64];
/* The program that the supervisor would execute: its descriptor, or -1 for the
 * installed one; and its arguments. */
extern int played_program;
extern char *const *played_arguments;

/* Reads the heading, and sends the version of its messages. */
void played_enter(uint64_t version);
bool played_is(const char *number);
bool played_recovers(void);
/* The board, and its row there. */
const struct board *played_board(void);
struct board_row *played_row(void);
/* Counts there once, for its gate too. */
void played_count(void);
/* Counts until the supervisor has gone. */
noreturn void played_count_on(void);
/* Receives the next message, which must be KIND. */
void played_hear(enum message_kind kind, struct message *m);
/* Sends `up`. The first master leads after it. */
void played_come_up(void);
/* Sends `up` and leads; skips other messages of the supervisor. */
void played_lead(void);
noreturn void played_stay(void);
/* Makes the supervisor stop all, and ends with status 7. */
noreturn void played_stop_all(void);
/* Does the same with STATUS: the test has failed. */
noreturn void played_give_up(int status);

/* SIGTERM ends the master from now on. */
void played_heed_term(void);

/* For tests; a recovery after a burst comes in a minute. */
extern struct supervisor_deadlines played_deadlines;
/* Runs the supervisor in a fork to its end. Returns its exit status, 96 if a
 * process is left, or -1. */
int played_status(played_master *execute);

/* A supervisor in a fork. */
struct played {
    pid_t supervisor;
    int output; /* standard output of the masters */
    int errors; /* standard error of all */
};
void played_begin(struct played *p, played_master *execute);
/* Reads the next byte of one of these descriptors; '\0' at the end. */
char played_byte(int fd);
/* Sends SIGTERM. Nothing more is written, and all processes end. */
void played_end(struct played *p);

#endif
