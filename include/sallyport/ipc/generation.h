/* What the supervisor and the masters that it starts agree on. A supervisor
 * of an older build starts the master of a newer one, so nothing here changes:
 * it is only added to. */
#ifndef SALLYPORT_IPC_GENERATION_H
#define SALLYPORT_IPC_GENERATION_H

/* Of the messages that cross generations; each such channel begins with it. */
#define GENERATION_VERSION 1

/* What a master finds open at its start besides the standard descriptors: its
 * channel to the supervisor, and a sealed file that names the descriptors that
 * it inherits. The first line of that file is "generation N" or "recovery N",
 * each further one "FD NAME". */
#define GENERATION_CHANNEL_FD 3
#define GENERATION_NAMES_FD   4
/* Inherited descriptors have this number or a higher one. */
#define GENERATION_FIRST_FD 5

/* Bytes of a name, with its NUL. */
#define GENERATION_NAME_MAX 256

#endif
