/* A transcript: sessions as a text file, played against a real server. Lines:
 *   # …             a comment
 * Placeholders: those of support/pattern.h in a PATTERN, and those of
 * transcript_text.h in any text.
 * The head, in a transcript with a server of its own only:
 *   USER NAME [KEYS]   a user, with the last column of the users file; the
 *                   first one is the user of the first client (none: anna)
 *   USERS NAMES     several users, without keys
 *   SHARE NAME [KEYS]  a share
 *   LINE TEXT       a further line of the users file
 *   SET KEY = VALUE a setting
 *   ENV NAME = VALUE   a variable of the server's environment
 *   TROUBLES        the log may contain deaths and refusals
 *   ROOT            only root can play it
 *   INSTALLED       the programs are a copy in $SALLYPORT_BUILD, which has
 *                   another build's log, other_log
 *   STOPPED         the server doesn't run before START
 * The server and its administrator:
 *   SET KEY = VALUE changes the file of settings, for a reload
 *   EDIT FILE FROM => TO   replaces a file of the server's directory by one
 *                   with the first FROM changed; EDIT! writes into the file
 *   CTL WORDS       runs sallyportctl, which must succeed
 *   RUN LINE        runs any line in a shell, which must succeed, in the
 *                   server's directory; $PORT is its port, $SERVER its
 *                   process, $SOURCE the source tree, and $CLOCK
 *                   preload/clock.c
 *   CTL! N WORDS, RUN! N LINE   expect the exit status N
 *   INPUT TEXT      a line of the standard input of the next program (if not
 *                   said, the users' password; at a desk nothing)
 *   > PATTERN       the next line of its output that has this in it; the first
 *                   such patterns may follow on its own line: CTL who => anna
 *                   (so may each "=" after $ and WAIT, a SEE after TYPE, KEYS)
 *   >! PATTERN      no line of the whole output has it
 *   = PATTERN       the next line of its output matches as a whole, and every
 *                   line of the output is named so
 *   =* N PATTERN    the next N lines do
 *   ...             here any lines may come
 *   WITHIN N        at most N seconds have passed since the last EDIT, CTL or
 *                   RUN began
 *   UNTIL LINE      runs the line in a shell until it succeeds
 *   LOG PATTERN     waits for a line of the log that has it
 *   LOGS N PATTERN  waits for N such lines; one more is a failure, also at the
 *                   server's end, unless the pattern was counted again
 *   KILL NAME       kills a process: its title without "sallyport: "; with
 *   KILL -STOP NAME   (or -CONT, -ABRT, -ALRM) it gets that signal instead
 *   STOP, STOP!     ends the server, in order or by SIGKILL
 *   START           starts it, unless it runs; this also ends the head
 * The client:
 *   HOST ADDRESS    connect there (127.0.0.1 if not said), before anything else
 *   FROM ADDRESS    the client's own address
 *   IMPLICIT        connect to the port where TLS begins with the first byte
 *   AS CLIENT [USER]   the following lines are another client's, whose user has
 *                   the client's name if none is given
 *   ENTER CLIENT [USER]   the same, and LOGIN
 *   SHOW CLIENT     data connections show the other client's ticket from now on
 *   C: LINE         the client sends a line
 *   DO CODE LINE [=> PATTERN]   the same, and the reply begins with CODE; the
 *                   rest of its only line, or the second of three, matches
 *   C! BYTES        the same without CRLF: \r \n \t \\ \xNN, in one segment
 *   S: PATTERN      the next line from the server; a port in it is connected to
 *                   at once
 *   S~ PATTERN      lines from the server up to one that matches
 *   LAST PATTERN    the next line from the server, and END
 *   TLS [1.2|1.3]   the handshake
 *   ARRIVE [1.2|1.3] the greeting, AUTH TLS and the handshake
 *   LOGIN [1.2|1.3] everything from the greeting to TYPE I
 *   TRY CODE USER PASSWORD   another connection tries to log in, and ends;
 *                   ">" looks at the last reply
 *   REFUSED         another connection gets a 421 or the end instead of a
 *                   greeting
 *   QUIT            QUIT, 221 and END; each client in TLS does so at the end
 *   END             the server closes and says nothing more
 *   CLOSE           the client closes; later lines connect again
 * Its transfers:
 *   DATA! BYTES     before TLS on the data connection, as a proxy's header
 *   DATA> BYTES     the client's data; consecutive lines are one stream, which
 *                   ends in order after the last
 *   DATA< PATTERN   what comes on the data connection, as a whole (escapes as
 *                   in C!, consecutive lines are one); it must end in order
 *   NOISE> FROM TO, NOISE< FROM TO   the same with these bytes of a noise that
 *                   is always the same; sizes may be 64K or 2M
 *   HOLD            after DATA> lines: the stream doesn't end before DONE or
 *                   CUT, whatever comes between
 *   DONE [CODE]     ends it in order; then a reply that begins with CODE
 *   EPSV            EPSV, and connects to its port
 *   OPEN COMMAND    EPSV, the command, its 150, the handshake, and HOLD
 *   OPEN! CODE COMMAND [=> PATTERN]   EPSV, and the command is refused
 *   CUT [reset] [CODE]   ends it without close_notify, or by a reset
 *   PARTIAL N       waits until an unfinished file has N bytes
 *   PUT VERB NAME [TEXT]   a whole upload, from EPSV to 226; ">" looks at it
 *   PUT~ VERB NAME FROM TO [CODE]   the same with bytes of the noise; CODE in
 *                   place of 226
 *   LEAVE VERB NAME FROM TO   an upload that is cut when these bytes are there
 *   GET NAME [TEXT] a whole download, and what comes
 *   READ COMMAND => PATTERN   OPEN, DATA<, and 226
 * The program sallyport, in transcripts of client/ and faulty/. It works at a
 * desk: a new directory, which is also HOME, with the user's password in a
 * file. RUN lines run there, too; $URL is the server's, $CA its certificate,
 * $OPTIONS what $ adds, and $THERE the user's home on the server.
 *   $ WORDS         runs it, with a password and the CA; a word that begins
 *                   with / becomes this server's URL. Its exit status is 0, and
 *                   "=" lines follow for all that it prints
 *   $! N WORDS      the same with exit status N
 *   $? WORDS        any exit status and output
 *   $& WORDS        starts it
 *   SIGNAL NAME     sends INT, KILL, STOP or CONT to it
 *   WAIT N          it has ended with exit status N (or *: any)
 * A terminal at the desk:
 *   SCREEN [LINE]   opens one of 100 columns, which runs the line, or a shell
 *   TYPE TEXT       types it, and Enter
 *   KEYS WORDS      sends keys, as words of the shell: 'ls so' Tab
 *   WIDTH N         has N columns from now on
 *   SEE TEXT [WITHOUT OTHER]   waits until it shows the text, and not the other
 *   SEES N TEXT     waits until it shows it N times
 *   PROMPT [TEXT]   waits until it shows the text, and last a session's prompt
 * Servers that are played, in transcripts of faulty/:
 *   SLOW            first: a build with sanitizers plays it only in the long
 *                   run
 *   EACH WORDS      first: the rest is played for each word, which is {each}
 *   FAULTY FAULT [CERTIFICATE]   a server with this fault of
 *                   peers/faulty_server.py, and a new desk; the certificate is
 *                   good, late or other
 *   ISSUE NAME      its CA makes the certificate NAME.pem, and NAME.key
 *   HEARD N WORD, … it has got N commands that begin so
 *   PROXY FAULT SCHEME [USER@]   a proxy, whose URL is $PROXY
 * Files of the client's user, or "/SHARE/…" of a share, or "./…" at the desk:
 *   FILE NAME TEXT  makes a file (for the user, not for a share)
 *   FOLDER NAME     makes a directory there
 *   NOISE NAME N    makes a file with N bytes of the noise
 *   HAS NAME TEXT   there is this file with these bytes
 *   HAS~ NAME N     it has N bytes of the noise
 *   GONE NAME       there is no such file */
#ifndef TESTS_SYSTEM_TRANSCRIPT_H
#define TESTS_SYSTEM_TRANSCRIPT_H

#include "support/rows.h"
#include "support/server.h"
#include "support/test.h"

/* Plays the file as USER; fails the test with file and line. */
void transcript_play(struct server *server, const char *file, const char *user);
/* Plays a file that has a server of its own. The second one has a desk, too. */
void transcript_play_alone(const char *file);
void transcript_play_client(const char *file);
/* Plays a file with played servers. */
void transcript_play_faulty(const char *file);

/* The tests of a program: PLAYS each file of a directory, or only
 * SALLYPORT_TRANSCRIPT=NAME. SECONDS is the time limit of each. */
#define TRANSCRIPTS(suite, directory, seconds, plays)                          \
    static struct rows rows = { .folder =                                      \
                                    "tests/system/transcripts/" directory,     \
                                .suffix = ".txt" };                            \
                                                                               \
    ParameterizedTestParameters(suite, play)                                   \
    {                                                                          \
        rows_find(&rows);                                                      \
        rows_keep(&rows, getenv("SALLYPORT_TRANSCRIPT"));                      \
        return cr_make_param_array(struct row, rows.row, rows.count);          \
    }                                                                          \
                                                                               \
    ParameterizedTest(struct row *row, suite, play, .timeout = (seconds))      \
    {                                                                          \
        plays(rows_file(&rows, row));                                          \
    }                                                                          \
    _Static_assert(true, "the macro is used with a semicolon")

#endif
