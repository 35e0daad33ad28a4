/* Outcomes and other words that processes share. */
#ifndef SALLYPORT_DOMAIN_OUTCOME_H
#define SALLYPORT_DOMAIN_OUTCOME_H

#include <stdint.h>

/* The result of a request to files. */
enum outcome {
    OUTCOME_OK,
    OUTCOME_NOT_FOUND,
    OUTCOME_NO_RIGHT, /* the user lacks the right */
    OUTCOME_DENIED,   /* EACCES or EPERM from the kernel */
    OUTCOME_EXISTS,
    OUTCOME_NOT_DIRECTORY,
    OUTCOME_IS_DIRECTORY,
    OUTCOME_NOT_REGULAR, /* a FIFO, socket or device */
    OUTCOME_NOT_EMPTY,
    OUTCOME_BAD_NAME,   /* reserved or too long, or has control bytes */
    OUTCOME_BAD_OFFSET, /* REST beyond the end of the file */
    OUTCOME_NO_SPACE,   /* ENOSPC, EDQUOT */
    OUTCOME_TOO_LARGE,  /* larger than the server's limit max_file_size */
    OUTCOME_READ_ONLY,
    OUTCOME_NAME_TAKEN, /* on_conflict permits no other name either */
    OUTCOME_BAD_TIME,   /* the file system can't store this time */
    OUTCOME_SEND_WHOLE, /* REST and APPE can't continue the file that has the
                           name: on_conflict keeps it, or it is on another
                           disk */
    OUTCOME_COPY_TOO_LARGE, /* the file that the upload would continue is larger
                               than copy_max */
    OUTCOME_CHANGED,        /* the file changed while it was copied */
    OUTCOME_BUSY,
    OUTCOME_SIZE_FIRST,     /* this session doesn't know to which bytes of the
                               partial the rest belongs */
    OUTCOME_ONLY_OVERWRITE, /* the file system supports no other on_conflict */
    OUTCOME_MOVED,          /* the file's directory was moved meanwhile */
    OUTCOME_OVERTAKEN, /* another session took the name at the same moment */
    OUTCOME_CROSS_DEVICE,
    OUTCOME_INCOMPLETE,    /* the length differs from the announced one */
    OUTCOME_GONE_AWAY,     /* the reader of a listing closed it (ABOR) */
    OUTCOME_STORED_UNSAFE, /* an error after the rename: the file has its final
                              name */
    OUTCOME_UNANSWERED, /* set by session itself: files didn't answer, and the
                           file may have its final name */
    OUTCOME_IO,         /* any other error */
    OUTCOME_COUNT
};

/* Why a connection to a passive port isn't the session's data connection. */
enum foreign {
    FOREIGN_CLIENT, /* from another host */
    FOREIGN_HEADER, /* no valid PROXY header */
    FOREIGN_CHECK,  /* the proxy's own health check */
    FOREIGN_USER,   /* from an earlier user's client, too late */
    FOREIGN_COUNT
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
    REFUSAL_BAD_FILE, /* the file that master should read has a mistake */
    REFUSAL_COUNT
};
enum server_state { SERVER_STARTS, SERVER_RUNS, SERVER_STOPS, SERVER_STATES };

/* An unfinished upload, as files reports it to sallyportctl. */
enum partial_state {
    PARTIAL_RESTS,
    PARTIAL_IN_USE,  /* an upload is writing it; never removed */
    PARTIAL_REMOVED, /* by this request */
    PARTIAL_STAYS,   /* it couldn't be removed */
    PARTIAL_STATE_COUNT
};
/* Why session asks for the facts of a path. */
enum facts_for {
    FACTS_FOR_ANY,
    FACTS_FOR_SIZE,   /* also the length of the user's own partial */
    FACTS_FOR_RENAME, /* needs the right to rename, not the right to list */
    FACTS_FOR_COUNT
};

#endif
