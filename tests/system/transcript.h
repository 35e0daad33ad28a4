/* A transcript is a text file of sessions, which are played against a real
 * server. Lines:
 *   # …             a comment
 * A PATTERN can have the placeholders of support/pattern.h, and any text the
 * placeholders of transcript_text.h.
 * The head, only in a transcript with a server of its own:
 *   USER NAME [KEYS]   a user, with the last column of the users file; the
 *                   first client logs in as the first user (none: anna)
 *   USERS NAMES     several users, without keys
 *   SHARE NAME [KEYS]  a share
 *   LINE TEXT       a further line of the users file
 *   SET KEY = VALUE a setting
 *   ENV NAME = VALUE   a variable of the server's environment
 *   TROUBLES        permits deaths and refusals in the log
 *   ROOT            skips the transcript unless root plays it
 *   MOUNTS          skips it unless root may mount, and has mounts of its own
 *   INSTALLED       copies the programs to $SALLYPORT_BUILD, with the log of
 *                   another build as other_log
 *   STOPPED         leaves the server stopped until START
 * The server and its administrator:
 *   SET KEY = VALUE changes the file of settings, for a reload
 *   EDIT FILE FROM => TO   replaces a file of the server's directory by one
 *                   with the first FROM changed; EDIT! writes into the file
 *   CTL WORDS       runs sallyportctl, which must succeed
 *   RUN LINE        runs any line in a shell, which must succeed, in the
 *                   server's directory; $PORT is the server's port, $SERVER
 *                   its pid, $SOURCE the source tree, and $CLOCK
 *                   preload/clock.c
 *   CTL! N WORDS, RUN! N LINE   expect the exit status N
 *   INPUT TEXT      a line of the standard input of the next program (without
 *                   INPUT: the users' password; at a desk nothing)
 *   > PATTERN       the next line of the output that has the pattern in it;
 *                   the line of the command can have the first such patterns:
 *                   CTL who => anna (so can $ and WAIT have "=" patterns, TYPE
 *                   and KEYS the texts of SEE)
 *   >! PATTERN      no line of the whole output has the pattern in it
 *   = PATTERN       the next line of the output matches as a whole, and "="
 *                   lines must name every line of the output
 *   =* N PATTERN    the next N lines match as "=" does
 *   ...             skips any number of lines
 *   WITHIN N        at most N seconds have passed since the last EDIT or RUN
 *                   began, or the last CTL ended
 *   UNTIL LINE      runs the line in a shell until it succeeds
 *   LOG PATTERN     waits for a line of the log that has the pattern in it
 *   LOGS N PATTERN  waits for N such lines; one more is a failure, also at the
 *                   server's end, unless a later LOGS counts the pattern again
 *   KILL NAME       kills a process: its title without "sallyport: ";
 *   KILL -STOP NAME   (or -CONT, -ABRT, -ALRM) sends it this signal instead
 *   STOP, STOP!     ends the server, in order or by SIGKILL
 *   START           starts the server, unless it runs; also ends the head
 * The client:
 *   HOST ADDRESS    connects there (without HOST: 127.0.0.1); before all else
 *   FROM ADDRESS    the client's own address
 *   IMPLICIT        connects to the port where TLS begins with the first byte
 *   AS CLIENT [USER]   the following lines are another client's; without USER
 *                   the user has the client's name
 *   ENTER CLIENT [USER]   AS and LOGIN
 *   SHOW CLIENT     data connections show the other client's ticket from now on
 *   C: LINE         the client sends a line
 *   DO CODE LINE [=> PATTERN]   sends a line, and expects a reply that begins
 *                   with CODE; the rest of its only line, or the second of
 *                   three lines, matches
 *   C! BYTES        sends bytes without CRLF, in one segment: \r \n \t \\ \xNN
 *   S: PATTERN      the next line from the server; the client connects at once
 *                   to a port in the line
 *   S~ PATTERN      lines from the server up to a line that matches
 *   LAST PATTERN    the next line from the server, and END
 *   TLS [1.2|1.3]   the handshake
 *   ARRIVE [1.2|1.3] the greeting, AUTH TLS and the handshake
 *   LOGIN [1.2|1.3] everything from the greeting to TYPE I
 *   TRY CODE USER PASSWORD   another connection tries to log in, and ends;
 *                   ">" looks at the last reply
 *   REFUSED         another connection gets a 421 or the end instead of a
 *                   greeting
 *   QUIT            QUIT, 221 and END; each client in TLS does so at the end
 *   END             the server closes without another line
 *   CLOSE           the client closes; later lines connect again
 * The client's transfers:
 *   DATA! BYTES     bytes before TLS on the data connection, like a proxy's
 *                   header
 *   DATA> BYTES     the client's data; consecutive lines are one stream, which
 *                   ends in order after the last line
 *   DATA< PATTERN   the whole data from the server (escapes as in C!,
 *                   consecutive lines are one pattern), which ends in order
 *   NOISE> FROM TO, NOISE< FROM TO   send and expect these bytes of a noise
 *                   that is always the same; sizes can be 64K or 2M
 *   HOLD            after DATA> lines: the stream doesn't end before DONE or
 *                   CUT, whatever lines are between
 *   DONE [CODE]     ends the stream in order; then a reply begins with CODE
 *   EPSV            EPSV, and connects to its port
 *   OPEN COMMAND    EPSV, the command, its 150, the handshake, and HOLD
 *   OPEN! CODE COMMAND [=> PATTERN]   EPSV, and the server refuses the command
 *   CUT [reset] [CODE]   ends the stream without close_notify, or by a reset
 *   PARTIAL N       waits until an unfinished file has N bytes
 *   PUT VERB NAME [TEXT]   a whole upload, from EPSV to 226; ">" looks at 226
 *   PUT~ VERB NAME FROM TO [CODE]   a whole upload of bytes of the noise; CODE
 *                   instead of 226
 *   LEAVE VERB NAME FROM TO   an upload that is cut when these bytes are there
 *   GET NAME [TEXT] a whole download, which gives the text
 *   READ COMMAND => PATTERN   OPEN, DATA<, and 226
 * The program sallyport, in transcripts of client/ and faulty/, works at a
 * desk: a new directory, which is also HOME, with the user's password in a
 * file. RUN lines run there, too; $URL is the server's, $CA its certificate,
 * $OPTIONS has what $ adds, and $THERE is the user's home on the server.
 *   $ WORDS         runs it, with a password and the CA; puts this server's
 *                   URL before a word that begins with /. Its exit status is
 *                   0, and "=" lines follow for all that it prints.
 *   $! N WORDS      the same with exit status N
 *   $? WORDS        the same with any exit status and output
 *   $& WORDS        starts it
 *   SIGNAL NAME     sends INT, KILL, STOP or CONT to it
 *   WAIT N          waits until it ends with exit status N (or *: any)
 * A terminal at the desk:
 *   SCREEN [LINE]   opens one of 100 columns, which runs the line, or a shell
 *   TYPE TEXT       types the text, and Enter
 *   KEYS WORDS      sends keys, as words of the shell: 'ls so' Tab
 *   WIDTH N         changes the width to N columns
 *   SEE TEXT [WITHOUT OTHER]   waits until the terminal shows the text, and
 *                   not the other
 *   SEES N TEXT     waits until it shows the text N times
 *   PROMPT [TEXT]   waits until it shows the text, and last a session's prompt
 * Servers that are played, in transcripts of faulty/:
 *   SLOW            first: a build with sanitizers plays the transcript only
 *                   in the long run
 *   EACH WORDS      first: plays the rest for each word, which is {each}; for
 *                   words after LONG only in the long run
 *   FAULTY FAULT [CERTIFICATE]   a server with this fault of
 *                   peers/faulty_server.py, and a new desk; the certificate is
 *                   good, late or other; ${CA%ca.pem}user.pem and user.key are
 *                   a client's
 *   HEARD N WORD, … the server has got N commands that begin with WORD
 *   PROXY FAULT SCHEME [USER@]   starts a proxy; $PROXY is its URL
 * Files of the client's user, or "/SHARE/…" of a share, or "./…" at the desk:
 *   FILE NAME TEXT  makes a file (for the user, not for a share)
 *   FOLDER NAME     makes a directory there
 *   NOISE NAME N    makes a file with N bytes of the noise
 *   HAS NAME TEXT   there is this file with these bytes
 *   HAS~ NAME N     there is this file with N bytes of the noise
 *   GONE NAME       there is no such file */
#ifndef TESTS_SYSTEM_TRANSCRIPT_H
#define TESTS_SYSTEM_TRANSCRIPT_H

#include "support/rows.h"
#include "support/server.h"
#include "support/test.h"
#include "support/tls_client.h"

/* Plays the file as USER. Fails the test with file and line. */
void transcript_play(struct server *server, const char *file, const char *user);
/* Plays a file that has a server of its own; transcript_play_client() has a
 * desk, too. */
void transcript_play_alone(const char *file);
void transcript_play_client(const char *file);
/* Plays a file of faulty/, which plays its servers. */
void transcript_play_faulty(const char *file);

/* The tests of a program: PLAYS each file of a directory, or only
 * SALLYPORT_TRANSCRIPT=NAME. SECONDS is the time limit of each. */
#define TRANSCRIPTS(suite, directory, seconds, plays)                          \
    static struct rows rows = { .folder =                                      \
                                    "tests/system/transcripts/" directory,     \
                                .suffix = ".txt",                              \
                                .only = "SALLYPORT_TRANSCRIPT" };              \
                                                                               \
    ParameterizedTestParameters(suite, play)                                   \
    {                                                                          \
        tls_client_begin();                                                    \
        rows_find(&rows);                                                      \
        return cr_make_param_array(struct row, rows.row, rows.count);          \
    }                                                                          \
                                                                               \
    ParameterizedTest(struct row *row, suite, play, .timeout = (seconds))      \
    {                                                                          \
        plays(rows_file(&rows, row));                                          \
    }                                                                          \
    _Static_assert(true, "the macro is used with a semicolon")

#endif
