/* The interface between the supervisor and its masters. A supervisor of an
 * older build starts masters of newer ones, so nothing here may change;
 * additions are possible. */
#ifndef SALLYPORT_IPC_GENERATION_H
#define SALLYPORT_IPC_GENERATION_H

/* The version of the messages between generations. Each such channel begins
 * with it. No released build had version 1, in which the messages of sessions
 * had other numbers. */
#define GENERATION_VERSION 2

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

/* The reason in `renewed` begins with this if the reload will still begin. */
#define GENERATION_WAITS "the reload waits: "

/* Size of a name, with its NUL. */
#define GENERATION_NAME_MAX 256

#endif
