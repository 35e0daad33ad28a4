/* Values that processes of different builds and generations must agree on. */
#ifndef SALLYPORT_IPC_GENERATION_H
#define SALLYPORT_IPC_GENERATION_H

#include <stdbool.h>
#include <stdint.h>

/* The interface between the supervisor and its masters. A supervisor of an
 * older build starts masters of newer ones, so nothing here may change;
 * additions are possible. */

/* The version of the messages between generations, and of the memory that they
 * share. Each channel between generations begins with it. 0.3.0 had version 2,
 * other numbers of messages, and no board. No released build had version 1 or
 * 3. */
#define GENERATION_VERSION 4
/* A supervisor reports a master of another version with these words, as 0.3.0
 * does. */
#define GENERATION_FOREIGN "messages of another version"

/* A master starts with the standard descriptors, its channel to the supervisor,
 * and a sealed file with the names of the inherited descriptors. The first line
 * of that file is "generation N" or "recovery N"; each further line is "FD
 * NAME". */
#define GENERATION_CHANNEL_FD 3
#define GENERATION_NAMES_FD   4
/* The lowest number of an inherited descriptor. */
#define GENERATION_FIRST_FD 5

/* The names of kept programs begin with this. For a recovery the supervisor
 * executes GENERATION_MASTER. An ordinary start executes the installed
 * program. */
#define GENERATION_PROGRAM "program "
#define GENERATION_MASTER  GENERATION_PROGRAM "master"

/* "sessions N" is the table of the sessions of generation N. The supervisor
 * writes one 1 into its first byte when that generation has ended, and keeps it
 * no longer. */
#define GENERATION_SESSIONS "sessions "

/* In `renewed` the reason begins with this if the reload will still begin, */
#define GENERATION_WAITS "the reload waits: "
/* with this if the new generation was ready but couldn't take over, so that a
 * recovery follows, */
#define GENERATION_NOT_TAKEN "the takeover failed "
/* and with this if a later reload may succeed without a change of a file. */
#define GENERATION_AGAIN "try again later: "

/* Size of a name, with its NUL. */
#define GENERATION_NAME_MAX 256

/* The build of this program. Master and the processes that it executes must be
 * of one build. */

/* Returns "0.2.0-5f0c2d1b": the version, and a hash of the sources. */
const char *build_name(void);
/* Writes the same name, filled up with NULs. Each struct that one process
 * passes to another begins with it, since two builds may have structs of the
 * same size with different fields. */
#define BUILD_NAME_MAX 64
void build_name_fill(char out[BUILD_NAME_MAX]);
/* Is NAME, filled up with NULs, the name of this build? */
bool build_name_is(const char name[BUILD_NAME_MAX]);

#endif
