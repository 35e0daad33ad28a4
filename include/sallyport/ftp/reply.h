/* The list of replies: code and text, each in one place. Code sends a reply by
 * its name. */
#ifndef SALLYPORT_FTP_REPLY_H
#define SALLYPORT_FTP_REPLY_H

#include <stddef.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"

/* Two columns: name and code. src/ftp/reply.c has the texts; "{}" in a text
 * stands for an argument, which the comment names. */
#define REPLY_LIST(R)                                                          \
    R(OPENING, 150)        /* {}: type or file */                              \
    R(OPENING_UNIQUE, 150) /* STOU, RFC 1123 4.1.2.9; {}: path */              \
    R(TYPE_OK, 200)        /* {} */                                            \
    R(TYPE_LINES, 200)     /* {} */                                            \
    R(PBSZ_OK, 200)                                                            \
    R(PROT_OK, 200)                                                            \
    R(MODE_OK, 200) /* {} */                                                   \
    R(STRU_OK, 200)                                                            \
    R(OPTS_UTF8, 200)                                                          \
    R(OPTS_MLST, 200) /* {}: a blank and the facts, or nothing */              \
    R(OPTS_HASH, 200) /* {}: name */                                           \
    R(OPTS_MODE, 200) /* {}: level */                                          \
    R(ACTIVE_OK, 200) /* {}: address with port */                              \
    R(NOOP_OK, 200)                                                            \
    R(EPSV_ALL, 200)                                                           \
    R(ALLO_OK, 200)                                                            \
    R(CLNT_OK, 200)                                                            \
    R(CSID, 200) /* facts about the server */                                  \
    R(PRET_OK, 200)                                                            \
    R(CHMOD_OK, 200) /* {}: octal mode */                                      \
    R(UTIME_OK, 200)                                                           \
    R(NO_TRANSFER, 225) /* ABOR with nothing to abort */                       \
    R(STAT, 211)        /* several lines */                                    \
    R(FEAT, 211)                                                               \
    R(STAT_DIRECTORY, 213)                                                     \
    R(SIZE, 213)  /* {}: bytes */                                              \
    R(MDTM, 213)  /* {}: YYYYMMDDHHMMSS */                                     \
    R(TIMES, 213) /* {}: YYYYMMDDHHMMSS, {}: path */                           \
    R(MFF, 213)   /* {}: facts, {}: path */                                    \
    R(AVBL, 213)  /* {}: bytes */                                              \
    R(HASH, 213)  /* {}: name, range, value, path */                           \
    R(SITE_HELP, 214)                                                          \
    R(HELP, 214)                                                               \
    R(SYST, 215)                                                               \
    R(GREETING, 220)                                                           \
    R(HOST_OK, 220)                                                            \
    R(BYE, 221)                                                                \
    R(COMPLETE, 226)                                                           \
    R(STORED, 226) /* {}: how many bytes, {}: name */                          \
    R(LISTED, 226)                                                             \
    R(ABORTED, 226)   /* the ABOR's own reply */                               \
    R(PASV, 227)      /* {}: h1,h2,h3,h4,p1,p2 */                              \
    R(EPSV, 229)      /* {}: port */                                           \
    R(LOGGED_IN, 230) /* {}: user */                                           \
    R(AUTH_OK, 234)                                                            \
    R(DONE, 250)                                                               \
    R(CHECKSUM, 250) /* {}: value */                                           \
    R(CWD_OK, 250)   /* {}: path */                                            \
    R(DELETED, 250)                                                            \
    R(REMOVED, 250)                                                            \
    R(RENAMED_AS, 250) /* {}: path */                                          \
    R(RENAMED, 250)                                                            \
    R(MLST, 250)                                                               \
    R(PWD, 257)  /* {}: made by path_quote() */                                \
    R(MADE, 257) /* {}: made by path_quote() */                                \
    R(NEED_PASSWORD, 331)                                                      \
    R(REST_OK, 350) /* {}: offset */                                           \
    R(RANG_OK, 350) /* {}: first, {}: last */                                  \
    R(RANG_RESET, 350)                                                         \
    R(RNFR_OK, 350)                                                            \
    R(SHUTTING_DOWN, 421)                                                      \
    R(TIMED_OUT, 421) /* {}: what timed out */                                 \
    R(TOO_MANY, 421)  /* {}: which limit */                                    \
    R(KICKED, 421)                                                             \
    R(ACCOUNT_CHANGED, 421)                                                    \
    R(LOST_SERVICE, 421)                                                       \
    R(TOO_MANY_TRIES, 421)                                                     \
    R(PLAIN_SECRET, 421) /* USER, PASS, ACCT before TLS */                     \
    R(NO_DATA, 425)      /* {}: the reason */                                  \
    R(NO_PORT, 425)      /* {}: range */                                       \
    R(USE_PASV_FIRST, 425)                                                     \
    R(USE_EPSV, 425)                                                           \
    R(DATA_TLS_FAILED, 425)  /* {}: cause */                                   \
    R(NOT_RESUMED, 425)      /* {}: user */                                    \
    R(NOT_THIS_SESSION, 425) /* {}: user */                                    \
    R(NOT_OWN_TICKET, 425)                                                     \
    R(OTHER_CERTIFICATE, 425)                                                  \
    R(CUT, 426) /* {}: cause */                                                \
    R(TRANSFER_ABORTED, 426)                                                   \
    R(BAD_DATA, 426) /* {}: what is wrong with it */                           \
    R(STALLED, 426)  /* {}: seconds */                                         \
    R(FILE_BUSY, 450)                                                          \
    R(SIZE_FIRST, 450)                                                         \
    R(LOCAL_ERROR, 451) /* {}: cause */                                        \
    R(SHORT, 451)       /* {}: "N of the announced M bytes" */                 \
    R(HASH_LATE, 451)                                                          \
    R(OVERTAKEN, 450)                                                          \
    R(FILE_CHANGED, 451)                                                       \
    R(DIRECTORY_MOVED, 451)                                                    \
    R(STORED_UNSAFE, 451) /* an error after the rename */                      \
    R(UNLOGGED, 451)                                                           \
    R(UNLOGGED_STANDS, 451) /* {}: name */                                     \
    R(UNLOGGED_DONE, 451)                                                      \
    R(NO_SPACE, 452)                                                           \
    R(UNKNOWN_COMMAND, 500)                                                    \
    R(SITE_UNKNOWN, 500)                                                       \
    R(BAD_LINE, 500)                                                           \
    R(LINE_TOO_LONG, 500)                                                      \
    R(BAD_ARGUMENT, 501)  /* {}: syntax */                                     \
    R(NEED_ARGUMENT, 501) /* {}: syntax */                                     \
    R(NO_ARGUMENT, 501)   /* {}: syntax */                                     \
    R(MLSD_OF_FILE, 501)                                                       \
    R(OPTS_UNKNOWN, 501)                                                       \
    R(HASH_UNKNOWN, 501)                                                       \
    R(OPTS_MODE_BAD, 501)                                                      \
    R(NOT_IMPLEMENTED, 502)                                                    \
    R(ACTIVE_OFF, 502)                                                         \
    R(BAD_SEQUENCE, 503) /* {}: the command to send first */                   \
    R(NEED_ALLO, 503)                                                          \
    R(ONLY_EPSV, 503)                                                          \
    R(HOST_LATE, 503)                                                          \
    R(ALREADY_TLS, 503)                                                        \
    R(ALREADY_LOGGED_IN, 503)                                                  \
    R(IN_TRANSFER, 503)                                                        \
    R(ACTIVE_FOREIGN, 504)                                                     \
    R(HOST_OTHER, 504)                                                         \
    R(BAD_PARAMETER, 504) /* {}: what to send instead */                       \
    R(MODE_Z_OFF, 504)                                                         \
    R(NO_OFFSET, 504)                                                          \
    R(AUTH_UNKNOWN, 504)                                                       \
    R(DATA_MUST_BE_P, 521)                                                     \
    R(BAD_PROTOCOL, 522)                                                       \
    R(NOT_LOGGED_IN, 530)                                                      \
    R(NEED_TLS, 530)                                                           \
    R(LOGIN_WRONG, 530)                                                        \
    R(LOGIN_TOO_MANY, 530)                                                     \
    R(LOGIN_HOME, 530)                                                         \
    R(POLICY, 534) /* CCC, PROT C */                                           \
    R(PROT_LEVEL, 536)                                                         \
    R(NO_RIGHT, 550) /* {}: command_lacks() */                                 \
    R(NOT_FOUND, 550)                                                          \
    R(DENIED, 550)                                                             \
    R(EXISTS, 550)                                                             \
    R(NAMES_DIRECTORY, 550)                                                    \
    R(NOT_DIRECTORY, 550)                                                      \
    R(IS_DIRECTORY, 550)                                                       \
    R(NOT_REGULAR, 550)                                                        \
    R(NOT_EMPTY, 550)                                                          \
    R(READ_ONLY, 550)                                                          \
    R(CROSS_DEVICE, 550)                                                       \
    R(NO_TIME, 550)                                                            \
    R(BAD_TIME, 550)                                                           \
    R(SIZE_LATE, 550)                                                          \
    R(TOO_LARGE, 552)                                                          \
    R(ALLO_NO_SPACE, 552)                                                      \
    R(BAD_NAME, 553)                                                           \
    R(NAME_TAKEN, 553)                                                         \
    R(COPY_TOO_LARGE, 553)                                                     \
    R(ONLY_OVERWRITE, 553)                                                     \
    R(SEND_WHOLE, 553)                                                         \
    R(BAD_OFFSET, 554)

enum reply {
#define R(name, code) REPLY_##name,
    REPLY_LIST(R)
#undef R
        REPLY_COUNT
};

/* Returns the three-digit code. */
unsigned reply_code(enum reply r);
/* Returns the text with each "{}" unreplaced; never NULL. */
const char *reply_text(enum reply r);

/* Enough for a path in which every byte is a doubled '"'. */
#define REPLY_ARGUMENT_MAX 8200

/* Adds "NNN text\r\n" with the N arguments in place of the "{}"; missing
 * arguments are empty. Control bytes in arguments become '?', and an argument
 * is cut to REPLY_ARGUMENT_MAX bytes. Returns 0, or -ENOBUFS with nothing
 * added. */
int reply_build(struct buf *into, enum reply r, const struct slice *args,
                size_t n);
/* A reply of several lines (RFC 959 4.2). reply_begin() adds "NNN-title\r
 * ", reply_line() one line with a blank before it, and reply_end() "NNN End\r
 * ". A line may end with its own CRLF, as those of listings do; other
 * control bytes become '?'. Each returns 0, or -ENOBUFS with nothing added. */
int reply_begin(struct buf *into, enum reply r);
int reply_line(struct buf *into, struct slice line);
int reply_end(struct buf *into, enum reply r);

#endif
