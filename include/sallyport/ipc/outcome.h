/* The words that processes share: outcomes, denials, endings, kinds. */
#ifndef SALLYPORT_IPC_OUTCOME_H
#define SALLYPORT_IPC_OUTCOME_H

#include <stdint.h>

/* What became of a request to files. */
enum outcome {
    OUTCOME_OK,
    OUTCOME_NOT_FOUND,
    OUTCOME_NO_RIGHT, /* the user lacks the right */
    OUTCOME_DENIED,   /* the system said EACCES or EPERM */
    OUTCOME_EXISTS,
    OUTCOME_NOT_FOLDER,
    OUTCOME_IS_FOLDER,
    OUTCOME_NOT_REGULAR, /* a FIFO, socket or device */
    OUTCOME_NOT_EMPTY,
    OUTCOME_BAD_NAME,   /* reserved, control bytes, too long */
    OUTCOME_BAD_OFFSET, /* REST beyond what is there */
    OUTCOME_NO_SPACE,   /* ENOSPC, EDQUOT */
    OUTCOME_TOO_LARGE,  /* the server's limit of a file's size */
    OUTCOME_READ_ONLY,
    OUTCOME_NAME_TAKEN,     /* and on_conflict leaves no other */
    OUTCOME_BAD_TIME,       /* the file system can't keep it */
    OUTCOME_STAYS,          /* so nothing goes on behind it: REST, APPE */
    OUTCOME_COPY_TOO_LARGE, /* of the file that the upload goes on with */
    OUTCOME_CHANGED,        /* the file that was copied, meanwhile */
    OUTCOME_BUSY,
    OUTCOME_ONLY_OVERWRITE, /* the file system knows no other on_conflict */
    OUTCOME_MOVED,     /* its folder, meanwhile */
    OUTCOME_OVERTAKEN, /* another session took the name in this moment */
    OUTCOME_CROSS_DEVICE,
    OUTCOME_INCOMPLETE, /* length differs from what was promised */
    OUTCOME_GONE_AWAY,  /* reader of a listing closed (ABOR) */
    OUTCOME_STANDS,     /* failed after the rename: the file stands */
    OUTCOME_UNANSWERED, /* session's own: files said nothing; it may stand */
    OUTCOME_IO,         /* anything else */
    OUTCOME_COUNT
};

/* Why master denies a login. The session tells the client about WRONG, BUSY
 * and TOO_MANY; never whether the user exists. */
enum denial {
    DENIAL_WRONG,    /* no such user, wrong password, locked, expired */
    DENIAL_BUSY,     /* no auth worker is free */
    DENIAL_TOO_MANY, /* sessions of this user */
    DENIAL_HOME,     /* the home can't be entered */
    DENIAL_COUNT
};

/* Why a session ended; each end is one event. */
enum ending {
    ENDING_QUIT,
    ENDING_CLOSED, /* by the client */
    ENDING_TLS,    /* handshake or record failed */
    ENDING_LOGIN_TIME,
    ENDING_IDLE_TIME,
    ENDING_PROTOCOL, /* over-long line, plain text behind AUTH, … */
    ENDING_LOGIN_TRIES,
    ENDING_PLAIN, /* USER without TLS */
    ENDING_SHUTDOWN,
    ENDING_KICKED,
    ENDING_PEER, /* another process failed or lied */
    ENDING_CRASH,
    ENDING_KEPT_OUT, /* the client behind a proxy, by a limit: gate tells it */
    ENDING_NOT_FTP,  /* another protocol */
    ENDING_CHECK,    /* a proxy looked whether we are there */
    ENDING_HUNG,     /* its loop doesn't turn */
    ENDING_CROWDED,  /* not logged in, and others of its address neither */
    ENDING_REMOVED,  /* the user has no row any more */
    ENDING_LOCKED,   /* the row is locked */
    ENDING_CHANGED,  /* the row grants something else than at the login */
    ENDING_COUNT
};
const char *ending_text(enum ending e);

/* Why a connection isn't the data connection of a session. */
enum foreign {
    FOREIGN_CLIENT, /* it is another host's */
    FOREIGN_HEADER, /* it has no header in order */
    FOREIGN_CHECK,  /* it is the proxy's own */
    FOREIGN_USER,   /* it is a late one of another user's client */
    FOREIGN_COUNT
};

/* Why a host name has no address now. */
enum unresolved {
    UNRESOLVED_UNKNOWN,
    UNRESOLVED_UNUSABLE, /* none of IPv4 that a client can connect to */
    UNRESOLVED_SERVER,   /* the name server failed, or can't be reached */
    UNRESOLVED_LATE,
    UNRESOLVED_FAILED, /* who looked it up died */
    UNRESOLVED_COUNT
};
/* "?" for a number out of range. */
const char *unresolved_text(uint64_t u);

enum write_mode {
    WRITE_STORE,
    WRITE_APPEND,
    WRITE_UNIQUE, /* STOU: never over another file */
    WRITE_MODE_COUNT
};
enum list_format { LIST_LONG, LIST_NAMES, LIST_FACTS, LIST_FORMAT_COUNT };
/* Why master refuses sallyportctl something; it comes with words. */
enum refusal {
    REFUSAL_BUSY,     /* try again */
    REFUSAL_DENIED,   /* who asks may not */
    REFUSAL_NO_USER,  /* of that name */
    REFUSAL_HOME,     /* may not, or can't be entered */
    REFUSAL_BAD_FILE, /* that was to be read */
    REFUSAL_COUNT
};
enum server_state { SERVER_STARTS, SERVER_RUNS, SERVER_STOPS, SERVER_STATES };

/* An unfinished upload, as files tells ctl. */
enum partial_state {
    PARTIAL_RESTS,
    PARTIAL_IN_USE,  /* an upload is writing it; never removed */
    PARTIAL_REMOVED, /* by this very request */
    PARTIAL_STAYS,   /* could not be removed */
    PARTIAL_STATE_COUNT
};
enum file_kind { KIND_FILE, KIND_FOLDER, KIND_OTHER, KIND_COUNT };

#endif
