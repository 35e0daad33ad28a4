/* A transcript: a session as a text file, played against a real server. Lines:
 *   # …             a comment
 *   HOST ADDRESS    connect there (127.0.0.1 if not said), before anything else
 *   IMPLICIT        connect to the port where TLS begins with the first byte
 *   FILE NAME TEXT  a file in the user's home before the session begins
 *   FOLDER NAME     a directory there
 *   C: LINE         the client sends a line; {user} and {password} are its own
 *   C! BYTES        the same without CRLF: \r \n \t \\ \xNN, in one segment
 *   S: PATTERN      the next line from the server (support/pattern.h); a port
 *                   in it is connected to at once
 *   S~ PATTERN      lines from the server up to one that matches
 *   TLS [1.2|1.3]   the handshake
 *   LOGIN [1.2|1.3] everything from the greeting to TYPE I
 *   DATA> BYTES     the client's data; consecutive lines are one stream, which
 *                   ends in order after the last
 *   DATA< PATTERN   what comes on the data connection, as a whole (escapes as
 *                   in C!, consecutive lines are one); it must end in order
 *   END             the server closes and says nothing more
 *   CLOSE           the client closes
 *   HAS NAME TEXT   the user's home now has this file with these bytes
 *   GONE NAME       it has no such file */
#ifndef TESTS_SYSTEM_TRANSCRIPT_H
#define TESTS_SYSTEM_TRANSCRIPT_H

#include "support/server.h"

/* Plays the file as USER; fails the test with file and line. */
void transcript_play(const struct server *server, const char *file,
                     const char *user);

#endif
