/* Values that processes of different builds and generations must agree on. */
#ifndef SALLYPORT_IPC_GENERATION_H
#define SALLYPORT_IPC_GENERATION_H

#include <stdbool.h>
#include <stdint.h>

/* The interface between the supervisor and its masters. A supervisor of an
 * older build starts masters of newer builds, so never change a value here;
 * additions are possible. */

/* The version of the messages between generations, and of the memory that
 * generations share. The channel from the supervisor to each master begins with
 * this version.
 * Release 0.3.0 had version 2, with other numbers of messages, and without the
 * board. Only unreleased builds had version 1 or 3. */
#define GENERATION_VERSION 4
/* The supervisor's words about a master of another version, the same as in
 * 0.3.0. */
#define GENERATION_FOREIGN "messages of another version"

/* A master starts with the standard descriptors, its channel to the supervisor,
 * and a sealed file with the names of the inherited descriptors. The first line
 * of that file is "generation N" or "recovery N"; each further line is "FD
 * NAME". */
#define GENERATION_CHANNEL_FD 3
#define GENERATION_NAMES_FD   4
/* The lowest number of an inherited descriptor. */
#define GENERATION_FIRST_FD 5

/* The names of the programs that the supervisor keeps open begin with
 * GENERATION_PROGRAM. For a recovery the supervisor executes GENERATION_MASTER;
 * for an ordinary start it executes the installed program. */
#define GENERATION_PROGRAM "program "
#define GENERATION_MASTER  GENERATION_PROGRAM "master"

/* The end of the name of a listener that systemd has opened; its begin is
 * "listen " and the address. */
#define GENERATION_OF_SYSTEMD " systemd"
/* "sessions N" is the table of the sessions of generation N. When generation N
 * has ended, the supervisor writes a 1 into the first byte of the table, and
 * closes its descriptor. */
#define GENERATION_SESSIONS "sessions "

/* The reason in the message `renewed` begins with GENERATION_WAITS if the
 * reload has to wait, and will begin later. */
#define GENERATION_WAITS "the reload waits: "
/* The reason begins with GENERATION_NOT_TAKEN if the new generation was ready
 * but couldn't take over. Then a recovery follows. */
#define GENERATION_NOT_TAKEN "the takeover failed "
/* The reason begins with GENERATION_AGAIN if a later reload can succeed without
 * a change of a file. */
#define GENERATION_AGAIN "try again later: "

/* Size of a name, with its NUL. */
#define GENERATION_NAME_MAX 256

/* The build of this program. Master and the processes that it executes must be
 * of one build. */

/* Returns "0.2.0-5f0c2d1b": the version, and a hash of the sources. */
const char *build_name(void);
/* Writes the name of this build, filled up with NULs. Each struct that one
 * process passes to another begins with this name, since two builds can have
 * structs of the same size with different fields. */
#define BUILD_NAME_MAX 64
void build_name_fill(char out[BUILD_NAME_MAX]);
/* Is NAME, filled up with NULs, the name of this build? */
bool build_name_is(const char name[BUILD_NAME_MAX]);

#endif
