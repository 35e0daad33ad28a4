/* The list of replies. Code sends a reply by its name. */
#ifndef SALLYPORT_FTP_REPLY_H
#define SALLYPORT_FTP_REPLY_H

#include <stddef.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"

/* Rows of name, code and text. A row L refuses a command because of a right, a
 * limit or a setting, and also has the reason for the log and the metrics. "{}"
 * in a text stands for an argument, which the comment before the row names.
 * Programs parse some texts: 211, 215, 226, 227, 229 and 257 keep the form that
 * clients expect. No text names another server's product, since clients would
 * draw conclusions from it. */
#define REPLY_LIST(R, L)                                                       \
    /* {}: type or file */                                                     \
    R(OPENING, 150, "Opening the data connection for {}.")                     \
    /* STOU, RFC 1123 4.1.2.9; {}: path */                                     \
    R(OPENING_UNIQUE, 150, "FILE: {}")                                         \
    R(TYPE_OK, 200, "Type is {}; bytes are never changed.")                    \
    R(TYPE_LINES, 200, "Type is {}; lines end with CRLF on the network.")      \
    R(PBSZ_OK, 200, "PBSZ=0")                                                  \
    R(PROT_OK, 200, "Data connections will be encrypted.")                     \
    R(MODE_OK, 200, "Mode is {}.")                                             \
    R(OPTS_UTF8, 200, "UTF8 is always on.")                                    \
    /* {}: nothing, or a blank and the facts */                                \
    R(OPTS_MLST, 200, "MLST OPTS{}")                                           \
    /* {}: name */                                                             \
    R(OPTS_HASH, 200, "{}")                                                    \
    /* {}: level */                                                            \
    R(OPTS_MODE, 200, "MODE Z LEVEL is {}.")                                   \
    /* {}: reject, rename or overwrite */                                      \
    R(OPTS_STOR, 200, "STOR conflict={}")                                      \
    R(NOOP_OK, 200, "OK.")                                                     \
    R(EPSV_ALL, 200, "Only EPSV is accepted from now on.")                     \
    R(ALLO_OK, 200, "Noted; send STOR.")                                       \
    /* facts about the server */                                               \
    R(CSID, 200, "Name=Sallyport; CaseSensitive=1; DirSep=/;")                 \
    R(PRET_OK, 200, "OK; send EPSV or PASV.")                                  \
    /* {}: octal mode */                                                       \
    R(CHMOD_OK, 200, "Mode is {}.")                                            \
    /* {}: bytes, files */                                                     \
    R(QUOTA, 200, "Quota: {}.")                                                \
    R(NO_QUOTA, 200, "No quota here; AVBL tells how much is free.")            \
    R(PASSWORD_OK, 200, "The password is changed.")                            \
    /* ABOR with nothing to abort */                                           \
    R(NO_TRANSFER, 225, "No transfer to abort.")                               \
    /* several lines */                                                        \
    R(STAT, 211, "Status of this session:")                                    \
    R(FEAT, 211, "Features:")                                                  \
    R(STAT_DIRECTORY, 213, "Listing:")                                         \
    /* {}: the value of SIZE, MDTM, AVBL or HASH */                            \
    R(FACT, 213, "{}")                                                         \
    /* {}: YYYYMMDDHHMMSS, {}: path */                                         \
    R(TIMES, 213, "Modify={}; {}")                                             \
    R(SITE_HELP, 214, "SITE commands:")                                        \
    R(HELP, 214, "Commands (HELP NAME shows the syntax of one):")              \
    R(SYST, 215, "UNIX Type: L8")                                              \
    R(GREETING, 220, "Sallyport is ready; everything goes over TLS.")          \
    R(HOST_OK, 220, "OK.")                                                     \
    R(BYE, 221, "Goodbye.")                                                    \
    R(COMPLETE, 226, "Transfer complete.")                                     \
    /* {}: how many bytes, {}: name */                                         \
    R(STORED, 226, "Transfer complete: {} stored as {}")                       \
    /* {}: how many bytes, with the id, {}: name */                            \
    R(HELD, 226,                                                               \
      "Transfer complete: {} kept for inspection; released, it is {}")         \
    /* the reply to ABOR itself */                                             \
    R(ABORTED, 226, "Abort successful.")                                       \
    /* {}: h1,h2,h3,h4,p1,p2 */                                                \
    R(PASV, 227, "Entering Passive Mode ({}).")                                \
    /* {}: port */                                                             \
    R(EPSV, 229, "Entering Extended Passive Mode (|||{}|)")                    \
    /* {}: user */                                                             \
    R(LOGGED_IN, 230, "Logged in as {}.")                                      \
    /* {}: user */                                                             \
    R(LOGGED_IN_ONCE, 230,                                                     \
      "Logged in as {}; now change the password: SITE PSWD old new")           \
    R(AUTH_OK, 234, "Begin the TLS handshake now.")                            \
    R(DONE, 250, "Done.")                                                      \
    /* {}: value */                                                            \
    R(CHECKSUM, 250, "{}")                                                     \
    /* {}: path */                                                             \
    R(CWD_OK, 250, "Now in {}")                                                \
    /* {}: path */                                                             \
    R(RENAMED_AS, 250, "Renamed to {}")                                        \
    R(MLST, 250, "Facts:")                                                     \
    /* {}: made by path_quote() */                                             \
    R(PWD, 257, "\"{}\" is the current directory.")                            \
    /* {}: made by path_quote() */                                             \
    R(MADE, 257, "\"{}\" was made.")                                           \
    R(NEED_PASSWORD, 331, "Send PASS with the password.")                      \
    /* {}: offset */                                                           \
    R(REST_OK, 350, "Restarting at {}. Send RETR or STOR.")                    \
    /* {}: first, {}: last */                                                  \
    R(RANG_OK, 350, "Bytes {} to {}. Send RETR or HASH.")                      \
    R(RANG_RESET, 350, "All bytes.")                                           \
    R(RNFR_OK, 350, "Send RNTO with the new name.")                            \
    R(SHUTTING_DOWN, 421, "The server is shutting down; come back later.")     \
    /* {}: what timed out */                                                   \
    R(TIMED_OUT, 421, "Timeout: {}. Closing the connection.")                  \
    /* {}: a sentence; limits.c has gate's sentences */                        \
    R(NOT_ADMITTED, 421, "{}.")                                                \
    R(KICKED, 421, "The administrator closed this connection.")                \
    R(ACCOUNT_CHANGED, 421, "Your account has changed; log in again.")         \
    R(PLACE_MOVED, 421, "The files have another place now; log in again.")     \
    R(SIZE_AGAIN, 421,                                                         \
      "The file or its upload has changed; log in again, and send SIZE.")      \
    R(HOURS_OVER, 421, "Your hours on this server are over; come back later.") \
    R(LOST_SERVICE, 421, "Part of the server failed; connect again.")          \
    R(TOO_MANY_TRIES, 421, "Too many failed logins; check user and password.") \
    /* {}: the reason */                                                       \
    L(NO_DATA, 425, "No data connection: {}. Send EPSV or PASV again.",        \
      "no data connection")                                                    \
    /* {}: range */                                                            \
    L(NO_PORT, 425, "No data port free (range {} busy); try again later.",     \
      "no data port is free")                                                  \
    R(USE_PASV_FIRST, 425, "Send EPSV or PASV first.")                         \
    R(USE_EPSV, 425, "PASV can't be used on this connection; send EPSV.")      \
    /* {}: cause */                                                            \
    R(DATA_TLS_FAILED, 425, "TLS failed on the data connection: {}.")          \
    /* {}: user */                                                             \
    R(NOT_RESUMED, 425,                                                        \
      "TLS not resumed; admin: sallyportctl user change {} --data-binding "    \
      "address")                                                               \
    /* {}: user */                                                             \
    R(NOT_THIS_SESSION, 425,                                                   \
      "TLS not resumed here; admin: sallyportctl user change {} "              \
      "--data-binding user")                                                   \
    R(NOT_OWN_TICKET, 425,                                                     \
      "TLS session not resumed: another user's ticket, or a changed account.") \
    R(OTHER_CERTIFICATE, 425,                                                  \
      "The data connection must show this one's client certificate.")          \
    /* {}: cause */                                                            \
    R(CUT, 426, "The data connection was cut: {}. Transfer aborted.")          \
    /* {}: user */                                                             \
    R(BARE_END, 426,                                                           \
      "No close_notify; admin: sallyportctl user change {} --upload-eof "      \
      "lenient")                                                               \
    R(TRANSFER_ABORTED, 426, "Transfer aborted.")                              \
    /* {}: the fault of the data, such as "damaged" */                         \
    R(BAD_DATA, 426, "The compressed data is {}. Transfer aborted.")           \
    /* {}: seconds */                                                          \
    R(STALLED, 426, "No data moved for {} seconds. Transfer aborted.")         \
    /* {}: password_fault_text() */                                            \
    R(PASSWORD_LATER, 450, "The password {}.")                                 \
    R(FILE_BUSY, 450, "The file is busy; try again later.")                    \
    R(SIZE_FIRST, 450,                                                         \
      "The file or its upload has changed, or SIZE is missing; send SIZE.")    \
    /* {}: cause */                                                            \
    L(LOCAL_ERROR, 451, "Error on the server: {}.", "error on the server")     \
    /* {}: "N of the announced M bytes" */                                     \
    R(SHORT, 451, "Received {}. Nothing is stored; send the rest.")            \
    /* {}: password_fault_text() */                                            \
    R(PASSWORD_DOUBTFUL, 451, "The password {}.")                              \
    R(HASH_LATE, 451,                                                          \
      "The checksum takes too long; use RANG to get those of parts.")          \
    R(OTHERS_PARTIALS, 450,                                                    \
      "Other members have unfinished uploads in it; try again in an hour.")    \
    R(OVERTAKEN, 450, "Another session took that name just now; try again.")   \
    R(FILE_CHANGED, 451,                                                       \
      "Another process changed the file meanwhile; send again.")               \
    R(DIRECTORY_MOVED, 451,                                                    \
      "The directory was renamed meanwhile, so nothing has changed; send "     \
      "again.")                                                                \
    /* the same after the rename of the file */                                \
    R(STORED_MOVED, 451,                                                       \
      "The file is complete, but its directory was renamed meanwhile; send "   \
      "again.")                                                                \
    /* an error after the rename */                                            \
    R(STORED_UNSAFE, 451,                                                      \
      "The file is complete, but may not survive a power cut; send again.")    \
    /* {}: how many bytes, with the id, {}: name */                            \
    R(HELD_UNSAFE, 451,                                                        \
      "A power cut may lose it, send again: {} kept; released, it is {}.")     \
    R(KEPT_FREE, 452,                                                          \
      "The server keeps the last free space of its disk; try again later.")    \
    R(NO_SPACE, 452, "No space left; free some, then send it again.")          \
    R(UNKNOWN_COMMAND, 500, "Unknown command; HELP lists all commands.")       \
    R(SITE_UNKNOWN, 500, "Unknown SITE command; SITE HELP lists them.")        \
    R(BAD_LINE, 500, "A line ends with CRLF; no CR, LF or NUL inside.")        \
    R(LINE_TOO_LONG, 500, "Line too long. Closing the connection.")            \
    /* {}: syntax */                                                           \
    R(BAD_ARGUMENT, 501, "Bad argument. Syntax: {}")                           \
    /* {}: syntax */                                                           \
    R(NEED_ARGUMENT, 501, "Argument missing. Syntax: {}")                      \
    R(MLSD_OF_FILE, 501, "Not a directory; MLST has the facts of a file.")     \
    R(OPTS_UNKNOWN, 501,                                                       \
      "Unknown option; use UTF8, MLST, HASH, MODE or STOR.")                   \
    R(HASH_UNKNOWN, 501, "Unknown algorithm; use SHA-256 or SHA-512.")         \
    R(OPTS_MODE_BAD, 501, "Send OPTS MODE Z LEVEL and a number from 1 to 9.")  \
    R(NOT_IMPLEMENTED, 502, "Not implemented; HELP lists all commands.")       \
    L(NO_ACTIVE, 502, "There is no active mode; send EPSV or PASV.",           \
      "no active mode")                                                        \
    /* {}: the command to send first */                                        \
    R(BAD_SEQUENCE, 503, "Send {} first.")                                     \
    L(NEED_ALLO, 503,                                                          \
      "Send TYPE I, MODE S, and ALLO with the length of the file first.",      \
      "upload_eof = announced")                                                \
    R(ONLY_EPSV, 503, "After EPSV ALL only EPSV is accepted; send EPSV.")      \
    R(HOST_LATE, 503,                                                          \
      "HOST comes before USER; connect again for another host.")               \
    R(ALREADY_TLS, 503, "TLS is already on.")                                  \
    R(ALREADY_LOGGED_IN, 503,                                                  \
      "Already logged in; connect again for another user.")                    \
    R(IN_TRANSFER, 503, "A transfer is running; wait for it or send ABOR.")    \
    R(HOST_OTHER, 504,                                                         \
      "TLS was begun for another host; connect again for this one.")           \
    /* {}: what to send instead */                                             \
    R(BAD_PARAMETER, 504, "Parameter not supported; use {}.")                  \
    L(MODE_Z_OFF, 504, "MODE Z is off on this server; send MODE S.",           \
      "mode_z = no")                                                           \
    R(NO_OFFSET, 504,                                                          \
      "In TYPE A lines change their length; send TYPE I, or neither REST "     \
      "nor RANG.")                                                             \
    R(AUTH_UNKNOWN, 504, "Mechanism not supported; send AUTH TLS.")            \
    L(DATA_MUST_BE_P, 521,                                                     \
      "Data connections must be encrypted; send PBSZ 0 and PROT P first.",     \
      "data connections without TLS")                                          \
    /* {}: 1 or 2 */                                                           \
    R(BAD_PROTOCOL, 522, "Network protocol not supported, use ({})")           \
    R(NOT_LOGGED_IN, 530, "Not logged in. Send USER and PASS first.")          \
    R(NEED_TLS, 530, "TLS is required: send AUTH TLS before anything else.")   \
    /* USER, PASS, ACCT before TLS. Ends the session, but isn't a 421: after   \
     * a 421 clients take the server for busy, and retry. */                   \
    R(PLAIN_SECRET, 530,                                                       \
      "TLS comes before USER; set the client to explicit TLS.")                \
    /* {}: what happened to the account. Ends the session, too. */             \
    R(ACCOUNT_CLOSED, 530, "Your account {}.")                                 \
    R(LOGIN_WRONG, 530, "Login incorrect.")                                    \
    R(LOGIN_TOO_MANY, 530,                                                     \
      "Too many sessions of this user (max_sessions= or max_per_user); close " \
      "one.")                                                                  \
    R(LOGIN_TEAM_FULL, 530,                                                    \
      "Too many sessions of a team of this user (max_sessions); try later.")   \
    R(LOGIN_HOME, 530, "Your home can't be entered; tell the administrator.")  \
    /* CCC, PROT C */                                                          \
    L(POLICY, 534, "Refused by policy: everything goes over TLS.",             \
      "a connection without TLS")                                              \
    R(PROT_LEVEL, 536, "Protection level not supported; send PROT P.")         \
    /* {}: command_lacks() */                                                  \
    L(NO_RIGHT, 550, "You have {}; ask the administrator.", "no right")        \
    /* {}: ask_drop_lacks() */                                                 \
    R(IN_DROP, 550, "You have {}.")                                            \
    L(MUST_CHANGE, 550, "Change the password first: SITE PSWD old new",        \
      "the password must be changed first")                                    \
    /* {}: password_fault_text() */                                            \
    L(PASSWORD_KEPT, 550, "The password {}.", "the password stays")            \
    L(NOT_FOUND, 550, "No such file or directory.", "no such directory")       \
    R(WAITS, 550, "It waits for inspection.")                                  \
    R(ELSEWHERE, 550,                                                          \
      "Your upload has another name: rename that one, or log in again.")       \
    L(DENIED, 550, "Permission denied.", "permission denied")                  \
    R(EXISTS, 550, "A file or directory of this name exists already.")         \
    L(NAMES_DIRECTORY, 550,                                                    \
      "That is the name of a directory; send the name of a file.",             \
      "the name of a directory")                                               \
    R(NOT_DIRECTORY, 550, "Not a directory.")                                  \
    R(IS_DIRECTORY, 550, "Is a directory.")                                    \
    R(NOT_REGULAR, 550, "Not a regular file.")                                 \
    R(NOT_EMPTY, 550, "Directory not empty.")                                  \
    L(READ_ONLY, 550, "Read-only file system.", "read-only file system")       \
    R(CROSS_DEVICE, 550, "Can't rename across file systems; copy instead.")    \
    R(MOUNT, 550, "That is a share.")                                          \
    R(BETWEEN_MOUNTS, 550,                                                     \
      "Can't move between home and shares; copy instead.")                     \
    R(NOT_OWNER, 550, "Another member owns it; only the owner can change it.") \
    R(SHARE_MODE, 550, "The share decides the modes of all files in it.")      \
    R(NO_TIME, 550, "The file's time is in no year from 1 to 9999.")           \
    R(BAD_TIME, 550, "The disk can't keep a time of that year.")               \
    /* Clients look for "SIZE not allowed in ASCII", and send TYPE I. */       \
    R(SIZE_LATE, 550,                                                          \
      "SIZE not allowed in ASCII mode for so large a file; send TYPE I.")      \
    L(TOO_LARGE, 552, "The file is larger than your limit, max_file_size.",    \
      "over the file-size limit")                                              \
    L(TOO_LARGE_HERE, 552, "The server can't store so large a file there.",    \
      "too large for the file system, or for LimitFSIZE=")                     \
    /* {}: "quota of 20 GiB, 20 GiB used" */                                   \
    R(OVER_QUOTA, 552, "Over the {}; delete files, or ask the administrator.") \
    L(MAX_FILES, 552,                                                          \
      "You have stored as many files as this account may (uploads).",          \
      "as many files as uploads=")                                             \
    L(MAX_BYTES, 552,                                                          \
      "More than this account may still store (upload_bytes); see AVBL.",      \
      "over upload_bytes=")                                                    \
    L(ALLO_NO_SPACE, 552, "No space for that much; free some, then send it.",  \
      "no space for that much")                                                \
    L(BAD_NAME, 553,                                                           \
      "Name is too long, has control characters, or begins with "              \
      ".sallyport-.",                                                          \
      "name not allowed")                                                      \
    L(TOO_DEEP, 553, "A path in it would be longer than 4096 bytes.",          \
      "a path in it would be too long")                                        \
    R(NAME_TAKEN, 553, "The name is taken; choose another one.")               \
    R(COPY_TOO_LARGE, 553,                                                     \
      "Too large to be copied; delete the old file, or send all of yours.")    \
    R(ONLY_OVERWRITE, 553,                                                     \
      "This disk needs on_conflict = overwrite and the right to replace.")     \
    R(SEND_WHOLE, 553,                                                         \
      "A file of this name exists; send yours from its beginning.")            \
    R(BAD_OFFSET, 554, "Offset past the end; send REST with a smaller one.")

enum reply {
#define REPLY(name, ...) REPLY_##name,
    REPLY_LIST(REPLY, REPLY)
#undef REPLY
        REPLY_COUNT
};

/* Returns the three-digit code. */
unsigned reply_code(enum reply r);
/* Returns the reason of a row L, or NULL for a row R. */
const char *reply_reason(enum reply r);
/* Returns the text with its "{}"; never NULL. */
const char *reply_text(enum reply r);

/* Enough for the longest path if all its bytes are '"', which path_quote()
 * doubles. */
#define REPLY_ARGUMENT_MAX 8200

/* Adds "NNN text\r\n" with the N arguments in place of the "{}"; missing
 * arguments are empty. Control bytes in arguments become '?', and an argument
 * is cut to REPLY_ARGUMENT_MAX bytes. Returns 0, or -ENOBUFS with nothing
 * added. */
int reply_build(struct buf *into, enum reply r, const struct slice *args,
                size_t n);
/* Make a reply of several lines (RFC 959 4.2). reply_begin() adds "NNN-title"
 * and CRLF; reply_line() a blank, LINE and CRLF; reply_end() "NNN End" and
 * CRLF. LINE can end with a CRLF of its own, as in listings; other control
 * bytes become '?'. Each returns 0, or -ENOBUFS with nothing added. */
int reply_begin(struct buf *into, enum reply r);
int reply_line(struct buf *into, struct slice line);
int reply_end(struct buf *into, enum reply r);

#endif
