/* Plays a server on the control socket of world, and the processes files that
 * sallyportctl forks for a user, by scripts of lines:
 *   ON NAME FIELD=VALUE… -> MESSAGE… -> MESSAGE…
 *       answers a request of this name in sallyport/ipc/list.h that has these
 *       fields. ON alone fits each request; the first line that fits counts.
 *       Without a message, or without a line that fits, the connection closes
 *   ONCE NAME FIELD=VALUE… -> …
 *       the same, but only for the first such request
 *   -> MESSAGE… -> MESSAGE…
 *       more messages of the line before
 * A message is
 *   NAME FIELD=VALUE…       of that list, or else a line of bytes. A missing
 *                           field is 0, and any value can be wrong
 *   ROW TABLE NAME=VALUE…   the message `row`; a name begins with its kind
 *                           (sallyport/ipc/shown.h), unless the value is a text
 *   WAIT MS                 waits, or for ever
 *   STOP                    ends the server
 * The request "begin" is the begin of a connection, or of a process files.
 * Without a line for it, the server says `welcome`, and files `ready`. If there
 * is a line for "end", the end of a connection is a request, too. A request to
 * files also has the field of=NAME:UID:GID. A value is a number, a
 * text, an address, the name of a constant, the path of a file that is sent, or
 * now+DAYS; it can have "" around it. <0x1b> is a byte. */
#ifndef TEST_CTL_PLAYED_H
#define TEST_CTL_PLAYED_H

#include <stdbool.h>

struct files_start;

/* Listens, and plays each connection, in a process that lives until
 * played_end() or the end of the test. Its requests, without the fields that
 * are 0 or the build's name, become lines of the file that the environment
 * names by ASKED. */
void played_server(const char *script);
void played_end(void);
/* Makes each later process files play SCRIPT, which must stay. */
void played_files(const char *script);
/* Called by each process files, which ends if it returns false. NULL: none */
extern bool (*played_enter)(const struct files_start *start);

#endif
