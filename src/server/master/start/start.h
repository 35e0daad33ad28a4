/* Master's start, which opens and checks everything, makes the parts and starts
 * the children; and master's end. */
#ifndef SALLYPORT_SRC_MASTER_START_H
#define SALLYPORT_SRC_MASTER_START_H

#include <stdbool.h>
#include <stdio.h>

#include "control/control.h"
#include "generations/generations.h"
#include "logins/logins.h"
#include "sallyport/base/complain.h"
#include "sallyport/settings/prepared.h"
#include "sallyport/settings/settings.h"

/* The command line of sallyportd. */
struct start_options {
    const char *config;
    int check, foreground, version, help; /* 1: given */
};

/* Returns 0; EX_USAGE (64): the command line is wrong; a line on standard error
 * says why. */
int options_parse(struct start_options *o, int argc, char **argv);
void options_help(FILE *out);

/* The helpers: these functions execute the programs reader and check at
 * master's start, and wait for them, so that no lasting process of root
 * contains their code. Call these functions before master's sandbox closes. */

/* ms that reader and check have, except for the looks at homes and the users
 * file. At a start all calls share this time, since the supervisor kills a
 * master that isn't ready in time; with --check each call has this time. */
#define HELPER_MS 20000

/* Reads the configuration PATH into m->settings and, sealed, into m->conf,
 * which the caller closes. Returns 0; or, with the complaint, -EINVAL: the file
 * has a mistake; another -errno: reader has failed. With --check reader prints
 * the mistakes of the file, and the complaint stays empty. */
int helper_settings(struct master *m, const char *path, struct complaint *c);
/* Executes check, which does the parts of a start that P wants; at a start it
 * stops at the first mistake. If check doesn't finish, the part at which it
 * stopped gets -ETIMEDOUT (a disk doesn't answer) or -EIO (check has failed, or
 * couldn't be asked); the later wanted parts get -ECANCELED. */
void helper_prepare(const struct master *m, struct prepared *p);
/* Executes check, which prints on standard error what an administrator should
 * know about the settings and the table USERS that reader wrote. Waits WAIT_MS
 * at most. src/server/check/main.c has the values of MODE. Returns 0;
 * EX_CONFIG: check has found a mistake; EX_TEMPFAIL: check has failed, or is
 * late. */
int helper_check(const struct master *m, const char *mode, int users,
                 int wait_ms);
/* Starts check, which looks at the homes of all users in the background, since
 * a disk can hang, and prints warnings. */
void helper_survey(struct master *m, int users);
/* Watches the process of helper_survey(). Call it when the loop and the signals
 * exist. */
void helper_watch_survey(struct master *m);
/* The keys that only master knows, and that are the same in all generations of
 * one service. */

/* Asks the supervisor to keep master's keys for the next generation. Returns 0
 * or -errno. */
int secrets_keep(struct master *m);

/* The steps of a start: they open and check everything before master starts any
 * child. */

/* Each step returns 0; or, with the complaint, -EINVAL: a mistake; another
 * -errno, also -EAGAIN: an error that may pass without a change of the
 * configuration. */
/* Asks check for everything that the steps below need. Each step takes its part
 * of the answer, and reports a mistake in it. If check was late or has failed,
 * a start ends here; with --check the step that has got no part reports
 * this. */
int prepare_by_check(struct master *m, struct complaint *c);
int prepare_users(struct master *m, struct complaint *c);
int prepare_identities(struct master *m, struct complaint *c);
int prepare_empty(struct master *m, struct complaint *c);
int prepare_state(struct master *m, struct complaint *c);
int prepare_control(struct master *m, struct complaint *c);
int prepare_output(struct master *m, struct complaint *c);
int prepare_limits(struct master *m, struct complaint *c);
int prepare_listeners(struct master *m, struct complaint *c);
/* Takes the memory of the previous generation, or makes empty memory. */
int prepare_memory(struct master *m, struct complaint *c);
int prepare_sandbox(struct master *m, struct complaint *c);
/* Asks the supervisor to keep for the next generations all that these steps
 * have made or inherited, and the number of sessions for which the next
 * generations need room. */
void prepare_keep(struct master *m);

/* Returns the number of descriptors that master can have open at once. */
unsigned long long prepare_descriptors(const struct master *m);

/* The parts of master. */
struct master_parts {
    struct certificates certificates;
    struct listeners listeners;
    struct children children;
    struct services services;
    struct session_table sessions;
    struct banning banning;
    struct userdb users;
    struct access access;
    struct control control;
    struct older older[OLDER_MAX];
    struct retirement retirement;
};

/* Makes the parts empty, and gives them to M. Call it after master_init(). */
void parts_attach(struct master *m, struct master_parts *parts);

/* Master's start, its loop, and its end. */

/* Sets up the loop and the tables, and starts the children. Everything that the
 * children get must be open. Returns 0 or -errno. */
int master_start(struct master *m);
/* Runs the loop until its end, and then ends all children. Returns
 * m->status. */
int master_run(struct master *m);
void master_release(struct master *m);

#endif
