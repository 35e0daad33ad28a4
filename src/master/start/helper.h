/* Programs that master executes at its start and waits for, so that their code
 * isn't in a process of root that continues: reader and check. Call these
 * functions before master's sandbox closes. */
#ifndef SALLYPORT_SRC_MASTER_START_HELPER_H
#define SALLYPORT_SRC_MASTER_START_HELPER_H

#include <stdbool.h>

#include "sallyport/settings/prepared.h"

struct master;

/* How long reader and check may take, but to look at homes and to read the
 * users file: all of them together at a start, since the supervisor kills a
 * master that isn't ready in time; each of them for --check. */
#define HELPER_MS 20000

/* Reads the configuration PATH into m->settings and, sealed, into m->conf,
 * which the caller closes. 0, or -EINVAL with the complaint; another -errno if
 * reader has failed itself. For --check the mistakes of the file are printed
 * instead, and the complaint stays empty. */
int helper_settings(struct master *m, const char *path, struct complaint *c);
/* Does the same after a crash with *KEPT, the settings that were in force; it
 * takes *KEPT. After an upgrade the supervisor may have kept settings of
 * another build, which this build can't read: then PATH is read. */
int helper_recover(struct master *m, int *kept, const char *path,
                   struct complaint *c);
/* Has check do PART (src/check/main.c) of what a start needs. P has master's
 * question, and then the answer. p->result, a failure with p->why; -EIO: check
 * has failed itself, or couldn't be asked. */
int helper_prepare(const struct master *m, const char *part,
                   struct prepared *p);
/* Prints on standard error what an administrator should know about the settings
 * and the table USERS that reader wrote, in WAIT_MS at most. MODE is one of
 * those in src/check/main.c. Returns whether there is a mistake; it counts as
 * one if check is late. */
bool helper_check(const struct master *m, const char *mode, int users,
                  int wait_ms);
/* Begins to look at the homes of all users, in the background, since one of
 * them may hang: check prints its warnings. */
void helper_survey(struct master *m, int users);
/* Sets the deadline of that process, when the loop exists. */
void helper_watch_survey(struct master *m);

#endif
