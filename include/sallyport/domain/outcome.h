/* Outcomes, reasons and other words that processes share in their messages. */
#ifndef SALLYPORT_DOMAIN_OUTCOME_H
#define SALLYPORT_DOMAIN_OUTCOME_H

#include <stdint.h>

/* The result of a request to files. */
enum outcome {
    OUTCOME_OK,
    OUTCOME_NOT_FOUND,
    OUTCOME_NO_RIGHT, /* the user lacks the right */
    OUTCOME_IN_DROP,  /* no right permits this in a drop, or with `mine` */
    OUTCOME_DENIED,   /* EACCES or EPERM from the kernel */
    OUTCOME_EXISTS,
    OUTCOME_NOT_DIRECTORY,
    OUTCOME_IS_DIRECTORY,
    OUTCOME_NOT_REGULAR, /* a FIFO, socket or device */
    OUTCOME_NOT_EMPTY,
    OUTCOME_BAD_NAME,   /* reserved or too long, or has control bytes */
    OUTCOME_TOO_DEEP,   /* a path in the renamed directory would be too long */
    OUTCOME_BAD_OFFSET, /* REST beyond the end of the file */
    OUTCOME_NO_SPACE,   /* ENOSPC or EDQUOT of unknown cause */
    OUTCOME_OVER_QUOTA, /* a limit of bytes */
    OUTCOME_OVER_FILES, /* a limit of files */
    OUTCOME_KEPT_FREE,  /* min_free */
    OUTCOME_TOO_LARGE,  /* larger than the server's limit max_file_size */
    OUTCOME_MAX_FILES,  /* the user has stored uploads= files */
    OUTCOME_MAX_BYTES,  /* more than upload_bytes= leaves to the user */
    OUTCOME_READ_ONLY,
    OUTCOME_NAME_TAKEN, /* taken, and on_conflict permits no other name */
    OUTCOME_BAD_TIME,   /* the file system can't store this time */
    OUTCOME_SEND_WHOLE, /* REST and APPE can't continue the file of this name:
                           on_conflict keeps the file, or it is on another disk
                         */
    OUTCOME_COPY_TOO_LARGE, /* the file that the upload would continue is larger
                               than copy_max */
    OUTCOME_CHANGED,        /* the file changed during the copy */
    OUTCOME_BUSY,
    OUTCOME_SIZE_FIRST, /* this session doesn't know which length of the partial
                           the client has seen */
    OUTCOME_ONLY_OVERWRITE, /* the file system supports no other on_conflict */
    OUTCOME_MOVED, /* the file's directory was moved during the request */
    OUTCOME_PARTIAL_TAKEN, /* another server's session has taken the partial
                            * over */
    OUTCOME_NAME_LOST, /* another session took the name in the same moment */
    OUTCOME_CROSS_DEVICE,
    OUTCOME_MOUNT,           /* the path is a share */
    OUTCOME_BETWEEN_MOUNTS,  /* a rename between the home and shares */
    OUTCOME_NOT_OWNER,       /* another member of the share owns the file */
    OUTCOME_SHARE_MODE,      /* the share decides the modes in it */
    OUTCOME_OTHERS_PARTIALS, /* other members are perhaps uploading there */
    OUTCOME_INCOMPLETE,      /* the length differs from the announced length */
    OUTCOME_GONE_AWAY,       /* the reader of a listing closed it (ABOR) */
    OUTCOME_STORED_UNSAFE, /* an error after the rename: the file has its final
                              name */
    OUTCOME_UNANSWERED,    /* set by session itself: files didn't answer, and
                              perhaps the file has its final name */
    OUTCOME_IO,            /* any other error */
    OUTCOME_WAITS, /* an upload of this user waits for inspection there */
    OUTCOME_TOO_LARGE_HERE, /* EFBIG from the kernel */
    OUTCOME_STORED_MOVED, /* the file has its final name, but its directory was
                           * moved in the same moment */
    OUTCOME_ELSEWHERE,    /* the last upload of this name got another name */
    OUTCOME_COUNT
};

enum write_mode {
    WRITE_STORE,
    WRITE_APPEND,
    WRITE_UNIQUE, /* STOU: never replaces another file */
    WRITE_MODE_COUNT
};
enum list_format { LIST_LONG, LIST_NAMES, LIST_FACTS, LIST_FORMAT_COUNT };
/* Why master refuses a request of sallyportctl. A text explains each reason. */
enum refusal {
    REFUSAL_BUSY,     /* try again */
    REFUSAL_DENIED,   /* the caller has no permission to ask */
    REFUSAL_NO_USER,  /* there is no such ban */
    REFUSAL_HOME,     /* not sent any more */
    REFUSAL_BAD_FILE, /* the file that master should read has a mistake */
    REFUSAL_COUNT
};
/* The orders of sallyportctl about the drain. */
enum drain_order { DRAIN_ASK, DRAIN_ON, DRAIN_OFF, DRAIN_ORDERS };
/* The parts of the server that sallyportctl can show. */
enum showable {
    SHOW_STATUS,
    SHOW_BANS,
    SHOW_DOING, /* what each session does, if it says so within a second */
    SHOW_METRICS,
    SHOW_COUNT
};

/* The kinds of files that the process files searches for sallyportctl. */
enum find_what {
    FIND_PARTIALS,  /* all partials of the user, or all in a share */
    FIND_EXPIRED,   /* files and partials with an old ctime */
    FIND_ABANDONED, /* partials that nobody will continue */
    FIND_COUNT
};
/* The state of an unfinished upload, as files reports it to sallyportctl. */
enum partial_state {
    PARTIAL_RESTS,
    PARTIAL_IN_USE,  /* an upload is writing it; never removed */
    PARTIAL_REMOVED, /* by this request */
    PARTIAL_STAYS,   /* it couldn't be removed */
    PARTIAL_STATE_COUNT
};
/* The orders of sallyportctl about uploads that wait for inspection. */
enum held_order {
    HELD_LIST,
    HELD_READ,
    HELD_RELEASE,
    HELD_REJECT,
    HELD_REPLACE, /* HELD_RELEASE, which also replaces a file of this name that
                     came or changed after the upload */
    HELD_ORDERS
};
/* Why session asks for the facts of a path. */
enum facts_for {
    FACTS_FOR_ANY,
    FACTS_FOR_SIZE,    /* the facts, and the length of the user's own partial */
    FACTS_FOR_RENAME,  /* the facts; needs the right to rename, not the right to
                          list */
    FACTS_FOR_PARTIAL, /* only the length of the partial, whatever file has the
                        * name */
    FACTS_FOR_COUNT
};

/* Why master denies a login. The session's reply depends on it, but never shows
 * whether the user exists. */
enum denial {
    DENIAL_WRONG,    /* no such user, wrong password, locked, expired */
    DENIAL_BUSY,     /* no auth worker is free */
    DENIAL_TOO_MANY, /* too many sessions of this user */
    DENIAL_HOME,     /* the home can't be entered */
    DENIAL_FAILED,   /* a part of the server failed; master has logged it */
    DENIAL_TEAM,     /* too many sessions of a team of this user */
    DENIAL_CHANGED,  /* the password is right, but the user's row has changed
                        during the login */
    DENIAL_NO_HASH,  /* no hash could be computed; auth has logged it */
    DENIAL_LATE,     /* the home's disk doesn't answer */
    DENIAL_AWAY,     /* the users file or all homes can't be reached */
    DENIAL_LOCKED,   /* the password is right; since then the user was locked or
                        removed, has expired or is out of hours */
    DENIAL_COUNT
};

/* The results of SITE PSWD: a name, and words that follow "The password".
 * RELOADED: only the newest generation writes. BUSY: another edit is under way,
 * or no worker is free. LATE: the writer was late, so the result isn't known.
 */
#define PASSWORD_RESULTS(R)                                                    \
    R(OK, "is changed")                                                        \
    R(SHORT, "is too short; use at least 8 bytes")                             \
    R(LONG, "is longer than 511 bytes")                                        \
    R(BYTES, "holds a line end or a NUL byte")                                 \
    R(SAME, "is the old one; use another one")                                 \
    R(WRONG, "stays: the old one is wrong")                                    \
    R(FIXED, "stays: the administrator alone can change it")                   \
    R(NONE, "stays: your login is a certificate")                              \
    R(BUSY, "stays: the server is busy; try again")                            \
    R(RELOADED, "stays: log in again, then try again")                         \
    R(UNWRITTEN, "stays: the server can't write it; ask the administrator")    \
    R(UNSYNCED, "is changed, but may not survive a power cut")                 \
    R(LATE,                                                                    \
      "may be the old or the new one, since the server couldn't finish; "      \
      "later try both")
#define PASSWORD_NAME(name, words) PASSWORD_##name,
enum password_fault { PASSWORD_RESULTS(PASSWORD_NAME) PASSWORD_FAULTS };
/* Returns the words. */
const char *password_fault_text(enum password_fault f);

/* Why a session ended: a name, and the words of the log; each end is one event.
 * TLS: a handshake or a record failed. PROTOCOL: a line too long, plain text
 * after AUTH, … PEER: another process failed or lied. KEPT_OUT: a limit refused
 * a client that came through a proxy; gate has logged it. HUNG: no heartbeat.
 * CHANGED: the user's row has other rights or values than at the login. HOURS:
 * older builds don't send it, and treat it as KICKED. DRAINED: an order to the
 * master of an older generation has ENDING_SHUTDOWN instead (WHY_FINISH).
 * NO_LOGIN: login-failed has the cause. */
#define ENDINGS(E)                                                             \
    E(QUIT, "quit")                                                            \
    E(CLOSED, "closed by the client")                                          \
    E(TLS, "TLS failed")                                                       \
    E(LOGIN_TIME, "not logged in in time")                                     \
    E(IDLE_TIME, "idle")                                                       \
    E(PROTOCOL, "protocol error")                                              \
    E(LOGIN_TRIES, "too many wrong passwords")                                 \
    E(PLAIN, "login without TLS")                                              \
    E(SHUTDOWN, "the server stops")                                            \
    E(KICKED, "kicked")                                                        \
    E(PEER, "another process failed")                                          \
    E(CRASH, "crash")                                                          \
    E(KEPT_OUT, "kept out")                                                    \
    E(NOT_FTP, "not FTP")                                                      \
    E(CHECK, "a check of the proxy")                                           \
    E(HUNG, "it hung")                                                         \
    E(CROWDED, "made room for another address")                                \
    E(REMOVED, "the account was removed")                                      \
    E(LOCKED, "the account was locked")                                        \
    E(CHANGED, "the account was changed")                                      \
    E(HOURS, "the user's hours are over")                                      \
    E(TOO_MANY, "too many sessions of this user or team")                      \
    E(REPLACED, "drain_timeout after a reload")                                \
    E(EXPIRED, "the account has expired")                                      \
    E(DRAINED, "drained: no new sessions")                                     \
    E(NO_LOGIN, "the server couldn't take the login")                          \
    E(SIZE, "it didn't send SIZE before it resumed an upload, twice")          \
    E(MOVED, "another directory has the place of the home or of a share")
#define ENDING_NAME(name, words) ENDING_##name,
enum ending { ENDINGS(ENDING_NAME) ENDING_COUNT };
const char *ending_text(enum ending e);

/* The kinds of directory entries, and what a user may do with them: files
 * reports both in its messages, and listings show them. */
enum entry_kind {
    ENTRY_FILE,
    ENTRY_DIRECTORY,
    ENTRY_LINK,
    ENTRY_FIFO,
    ENTRY_OTHER, /* a socket, or a device */
    ENTRY_KIND_COUNT
};

/* The perm fact (RFC 3659 7.5.5), as bits in the order of its letters. */
enum perm {
    PERM_APPEND = 1,  /* a: APPE of the file */
    PERM_CREATE = 2,  /* c: STOR into the directory */
    PERM_DELETE = 4,  /* d: DELE or RMD of the entry */
    PERM_ENTER = 8,   /* e: CWD into the directory */
    PERM_RENAME = 16, /* f: RNFR of the entry */
    PERM_LIST = 32,   /* l: a listing of the directory */
    PERM_MAKE = 64,   /* m: MKD in the directory */
    PERM_PURGE = 128, /* p: DELE in the directory */
    PERM_READ = 256,  /* r: RETR of the file */
    PERM_WRITE = 512  /* w: STOR over the file */
};

#endif
