/* The real supervisor in a fork of the test, and masters that the test plays in
 * its forks: each executes a function of the test. */
#ifndef TESTS_UNIT_SUPERVISOR_PLAYED_H
#define TESTS_UNIT_SUPERVISOR_PLAYED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>

#include "sallyport/ipc/channel.h"
#include "supervisor/supervisor.h"

typedef void played_master(const struct supervisor *s, int master);

/* In a played master: to the supervisor; the first line that it inherits, such
 * as "generation 1". */
extern struct channel played_channel;
extern char played_heading[64];

/* Reads the heading, and says of which version its messages are. */
void played_enter(uint64_t version);
bool played_is(const char *number);
bool played_recovers(void);
/* The next message, which must be that one. */
void played_hear(enum message_kind kind, struct message *m);
/* Says that it is up. The first one leads after it. */
void played_come_up(void);
/* Comes up and leads; what else the supervisor says meanwhile is passed over.
 */
void played_lead(void);
noreturn void played_stay(void);
/* Has the supervisor stop all, and ends with status 7. */
noreturn void played_stop_all(void);
/* The same with STATUS: the test has failed. */
noreturn void played_give_up(int status);

/* What SIGTERM does then. */
void played_heed_term(void);

/* For tests; a recovery after a burst comes in a minute. */
extern struct supervisor_deadlines played_deadlines;
/* Runs the supervisor in a fork to its end: its exit status, 96 if a process is
 * left, or -1. */
int played_status(played_master *execute);

/* A supervisor in a fork. */
struct played {
    pid_t supervisor;
    int output; /* what masters write to standard output */
    int errors; /* standard error, of all */
};
void played_begin(struct played *p, played_master *execute);
/* The next byte of FD, which is one of these; '\0' at the end of all. */
char played_byte(int fd);
/* SIGTERM. Nothing more is written, and all end. */
void played_end(struct played *p);

#endif
